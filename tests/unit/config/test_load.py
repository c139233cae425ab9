import json
import pickle
import sys

import pytest
import yaml
from pydantic import ValidationError

from admf_ray.config import digest, load_pipeline, load_space, parse_pipeline, pipeline_schema
from admf_ray.config.base import FrozenDict, Model
from admf_ray.config.schema import PipelineConfig
from admf_ray.errors import ConfigError


def test_the_specifications_pipeline():
    config = load_pipeline("configs/pipeline.yaml")
    assert config.name == "robust_strategy_development_with_containers"
    settings = config.container_settings
    assert settings.max_concurrent_containers == 50
    assert settings.memory_limit_per_container == 512_000_000
    assert (settings.container_pool_size, settings.teardown_timeout) == (10, 30)
    mining = config.phase_1_mining
    assert mining.data.source == "data/train_2020_2023.parquet"
    assert mining.execution.isolation_level == "full"
    assert mining.walk_forward.options() == {
        "training_window": 252,
        "test_window": 63,
        "step_size": 21,
        "mode": "rolling",
        "purge_bars": 0,
        "embargo_bars": 0,
    }
    neighborhood = mining.parameter_search.neighborhood_testing
    assert (neighborhood.radius, neighborhood.parallel_neighbors, neighborhood.shape) == (2, True, "box")
    names = [(one.name, one.class_, one.kind) for one in mining.container_components]
    assert names == [
        ("data_handler", "HistoricalDataHandler", "data_handler"),
        ("strategy", "configurable", "strategy"),
        ("portfolio", "Portfolio", "portfolio"),
        ("risk_manager", "RiskManager", "risk_manager"),
        ("broker", "SimulatedBroker", "broker"),
    ]
    assert mining.container_components[0].shared_data is True
    assert len(config.phase_2_analysis.tools) == 4
    experiment = config.phase_2_analysis.experiments[0]
    assert experiment.base_strategy == "ma_crossover"
    assert [one.class_ for one in experiment.modifications.add_filter] == ["trend_direction"]
    assert experiment.container_config.inherit_from == "phase_1_mining.container_components"
    test = config.phase_3_test
    assert [one.kind for one in test.test_strategies] == ["adaptive", "filtered", "discovered"]
    assert test.test_strategies[1].add_components[0].class_ == "CounterTrendFilter"
    assert test.test_strategies[2].container_components == "custom"
    assert test.validation.drift_containers == 10
    assert test.final_selection.verify_no_state_leakage


def test_quickstart_is_small():
    config = load_pipeline("configs/quickstart.yaml")
    space = load_space(config)
    assert [one.strategy for one in space.lattices] == ["ma_crossover", "rsi_reversion"]
    with_neighbours = sum(lattice.size * 3 ** len(lattice.axes) for lattice in space.lattices)
    assert 0 < sum(len(block) for one in space.lattices for block in one.blocks()) < 5_000
    assert with_neighbours < 15_000
    assert config.phase_1_mining.data.options()["start"] == "2014"
    assert config.phase_3_test.data.span[0] > config.phase_1_mining.data.span[1]


def test_read_as_attribute_and_as_key():
    config = load_pipeline("configs/pipeline.yaml")
    assert config["phase_1_mining"]["data"]["source"] == config.phase_1_mining.data.source
    assert config.phase_1_mining.container_components[1]["class"] == "configurable"
    with pytest.raises(KeyError):
        config["phase_4"]


def test_frozen_through_and_through():
    config = load_pipeline("configs/quickstart.yaml")
    with pytest.raises(ValidationError, match="frozen"):
        config.name = "other"
    params = config.phase_1_mining.container_components[2].params
    for change in (lambda: params.update(x=1), lambda: params.__setitem__("x", 1), params.clear):
        with pytest.raises(TypeError, match="cannot be changed"):
            change()
    grid = config.phase_1_mining.parameter_search.base_grid
    assert isinstance(grid["strategies"]["ma_crossover"], FrozenDict)
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize("name", ["pipeline", "quickstart"])
def test_resolved_configuration_loads_again(name, tmp_path):
    config = load_pipeline(f"configs/{name}.yaml")
    resolved = config.to_dict()
    json.dumps(resolved, allow_nan=False)
    again = parse_pipeline(resolved)
    assert again.to_dict() == resolved
    assert digest(again) == digest(config)
    (tmp_path / "resolved.yaml").write_text(yaml.safe_dump(resolved))
    assert digest(load_pipeline(tmp_path / "resolved.yaml")) == digest(config)


def test_the_grid_files_content_is_resolved(write, small):
    small["pipeline"]["phase_1_mining"]["parameter_search"]["base_grid"] = "grid.yaml"
    grid = "strategies:\n  ma_crossover:\n    parameters:\n      fast: [5, 10]\n      slow: [{}]\n"
    write(grid.format(20), "grid.yaml")
    one = load_pipeline(write(small))
    write(grid.format(40), "grid.yaml")
    two = load_pipeline("p.yaml")
    assert load_space(two).lattices[0].point(1) == {"fast": 10, "slow": 40}
    assert digest(one) != digest(two)
    write(grid.format(-1), "grid.yaml")
    with pytest.raises(
        ConfigError, match=r"^grid.yaml:5 strategies.ma_crossover.parameters.slow: must be within"
    ):
        load_pipeline("p.yaml")


def test_digest_ignores_how_it_is_written(small):
    config = parse_pipeline(small)
    same = [
        ["name=other"],
        ["phase_1_mining.data={source: 'sample:sp500'}"],
        ["phase_1_mining.warmup=history"],
        ["phase_1_mining.execution.point_timeout_s=60"],
    ]
    for overrides in same:
        assert digest(parse_pipeline(small, overrides)) == digest(config)
    assert digest(parse_pipeline(small, ["phase_1_mining.warmup=none"])) != digest(config)
    sizes = [[f"container_settings.memory_limit_per_container={s}"] for s in ("512MB", "512000000")]
    assert digest(parse_pipeline(small, sizes[0])) == digest(parse_pipeline(small, sizes[1]))


def test_optional_parts_may_be_absent(small):
    config = parse_pipeline(small)
    assert config.phase_2_analysis is None
    assert config.phase_3_test is None
    assert not config.phase_1_mining.walk_forward.enabled
    assert load_space(config).size == 4
    for key in ("name", "phase_1_mining"):
        broken = {"pipeline": {k: v for k, v in small["pipeline"].items() if k != key}}
        with pytest.raises(ConfigError, match=f"^{key}: must be given, found nothing; add it"):
            parse_pipeline(broken)


def test_optuna_is_refused_where_it_is_missing(small, write, monkeypatch):
    search = small["pipeline"]["phase_1_mining"]["parameter_search"]
    search |= {"method": "optuna", "samples": 20}
    path = write(small)
    assert load_pipeline(path).phase_1_mining.parameter_search.method == "optuna"
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError) as caught:
        load_pipeline(path)
    assert str(caught.value) == (
        "p.yaml:16 phase_1_mining.parameter_search.method: needs Optuna, found it missing; "
        "pip install 'admf-ray[optuna]'"
    )
    search["method"] = "random"
    assert load_pipeline(write(small)).phase_1_mining.parameter_search.samples == 20


def test_root(small, write):
    with pytest.raises(ConfigError, match="unknown key; did you mean 'pipeline'"):
        parse_pipeline({"pipelin": small["pipeline"]})
    with pytest.raises(ConfigError, match=r"^p.yaml:1 pipeline: must be a mapping of keys"):
        load_pipeline(write("pipeline:\n"))


def test_own_strategies_are_imported(write, small, monkeypatch):
    small["pipeline"]["strategies"] = ["mine_for_config.py"]
    small["pipeline"]["phase_1_mining"]["parameter_search"]["base_grid"] = {
        "strategies": {"mine_for_config": {"parameters": {"level": [1, 2]}}}
    }
    source = (
        "from admf_ray.components.base import Strategy\n"
        "from admf_ray.components.registry import register\n"
        "from admf_ray.space.parameters import Param\n"
        "@register('mine_for_config')\n"
        "class MineForConfig(Strategy):\n    'Mine.'\n    level = Param(1, 0, 5)\n"
        "    def decide(p):\n        return 1.0\n"
    )
    write(source, "mine_for_config.py")
    assert load_space(load_pipeline(write(small))).lattices[0].point(1) == {"level": 2}
    small["pipeline"]["strategies"] = ["no.py"]
    with pytest.raises(
        ConfigError, match=r"^p.yaml:\d+ strategies\[0\]: no.py: must be an existing Python file"
    ):
        load_pipeline(write(small))


def test_schema_knows_every_key():
    schema = pipeline_schema()
    json.dumps(schema)
    body = schema["$defs"]["PipelineConfig"]
    assert set(body["properties"]) == set(PipelineConfig.keys_known())
    closed = [d for d in schema["$defs"].values() if "properties" in d]
    assert len(closed) > 15
    assert all(d["additionalProperties"] is False for d in closed)
    component = schema["$defs"]["ComponentConfig"]
    assert set(component["required"]) == {"name", "class"}
    data = schema["$defs"]["MiningConfig"]["properties"]["data"]
    assert {"type": "string"} in data["anyOf"]
    described = [p for d in closed for p in d["properties"].values()]
    assert all("description" in p or "$ref" in p for p in described)


def test_models_cover_the_whole_file():
    def walk(model, value):
        if isinstance(value, Model):
            assert model.model_config["extra"] == "forbid"
            assert model.model_config["frozen"]
            for name in model.model_fields:
                walk(type(getattr(value, name)), getattr(value, name))
        elif isinstance(value, tuple):
            for item in value:
                walk(type(item), item)

    walk(PipelineConfig, load_pipeline("configs/pipeline.yaml"))


@pytest.mark.parametrize("name", ["../up", "/root", "a/b", "a\\b", ".", "..", ".hidden", "C:x", "a\x00b"])
def test_a_run_is_named_like_a_folder(name):
    raw = {"pipeline": {"name": name, "phase_1_mining": {}}}
    with pytest.raises(ConfigError, match="name: must be the name of a folder"):
        parse_pipeline(raw)


def test_one_file_of_strategies_needs_no_list(tmp_path):
    file = tmp_path / "alone.py"
    code = "from admf_ray import Strategy\nclass Alone(Strategy):\n    'Long.'\n"
    file.write_text(code + "    def decide(now): return 1.0\n")
    found = load_pipeline("configs/quickstart.yaml", [f"strategies={file}"])
    assert found.strategies == (str(file),)
