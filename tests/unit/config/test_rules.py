"""Every rule of the configuration, each broken once: one line, file, line and key path."""

from pathlib import Path

import pytest

from admf_ray.config import load_pipeline, parse_pipeline
from admf_ray.errors import ConfigError

M = "phase_1_mining"
A = "phase_2_analysis"
T = "phase_3_test"
S = f"{M}.parameter_search"
G = f"{S}.base_grid.strategies.ma_crossover"
E = f"{A}.experiments[0]"

# What is set over the specification's file, and how the line begins after '--set '.
REFUSED = [
    (
        f"{T}.test_strategies[0]={{name: x, strategy: macd, params: {{risk.fractoin: 1}}}}",
        f"{T}.test_strategies[0].params.risk.fractoin: no such parameter",
    ),
    (
        f"{T}.test_strategies[0]={{name: x, strategy: macd, params: {{fast: 50}}}}",
        f"{T}.test_strategies[0].params: must satisfy fast < slow",
    ),
    ("name=", "name: must be text, found nothing"),
    ("name=''", "name: must not be empty, found ''"),
    ("name=5", "name: must be text, found 5"),
    ("nam=x", "nam: unknown key; did you mean 'name'?"),
    ("strategies=mine.py", "strategies[0]: mine.py: must be an existing Python file, found none"),
    ("container_settings=5", "container_settings: must be a mapping of keys, found 5; known: max_conc"),
    (
        "container_settings.max_concurent_containers=5",
        "container_settings.max_concurent_containers: unknown key; did you mean 'max_concurrent_containers'?",
    ),
    (
        "container_settings.max_concurrent_containers=0",
        "container_settings.max_concurrent_containers: must be >= 1",
    ),
    (
        "container_settings.max_concurrent_containers=1.5",
        "container_settings.max_concurrent_containers: must be a who",
    ),
    (
        "container_settings.max_concurrent_containers='5'",
        "container_settings.max_concurrent_containers: must be a who",
    ),
    (
        "container_settings.max_concurrent_containers=true",
        "container_settings.max_concurrent_containers: must be a w",
    ),
    (
        "container_settings.memory_limit_per_container=lots",
        "container_settings.memory_limit_per_container: must be a",
    ),
    (
        "container_settings.memory_limit_per_container=0",
        "container_settings.memory_limit_per_container: must be at",
    ),
    (
        "container_settings.container_pool_size=-1",
        "container_settings.container_pool_size: must be >= 0, found -1",
    ),
    ("container_settings.teardown_timeout=0", "container_settings.teardown_timeout: must be > 0, found 0"),
    (f"{M}.data=5", f"{M}.data: must be a path, sample:NAME or a mapping with source, found 5"),
    (f"{M}.data={{zone: UTC}}", f"{M}.data.source: must be given, found nothing"),
    (f"{M}.data.zone=Mars/Base", f"{M}.data.zone: must be"),
    (f"{M}.data.start=20x4", f"{M}.data.start: must be"),
    (f"{M}.data.stamp=middle", f"{M}.data.stamp: must be open or close or date, found 'middle'"),
    (
        f"{M}.data.on_bad_rows=drp",
        f"{M}.data.on_bad_rows: must be error or drop or forward_fill, found 'drp'; did",
    ),
    (f"{M}.data.symbols=[]", f"{M}.data.symbols: must hold at least 1 item"),
    (f"{M}.data.session_end='24:00'", f"{M}.data.session_end: "),
    (f"{M}.data.instruments.X.lot=-1", f"{M}.data.instruments.X.lot: must be >= 0"),
    (f"{M}.data.instruments.X.lots=1", f"{M}.data.instruments.X.lots: unknown key; did you mean 'lot'?"),
    (f"{M}.execution.orchestrator=TestExecutor", f"{M}.execution.orchestrator: must be BacktestCoordinator"),
    (
        f"{M}.execution.parallelism=threads",
        f"{M}.execution.parallelism: must be process or thread, found 'threads'",
    ),
    (f"{M}.execution.isolation_level=none", f"{M}.execution.isolation_level: must be full or process"),
    (f"{M}.execution.max_failed_frac=1.1", f"{M}.execution.max_failed_frac: must be <= 1"),
    (f"{M}.walk_forward.enabled=no", f"{M}.walk_forward.enabled: must be true or false, found 'no'"),
    (f"{M}.walk_forward.test_window=0", f"{M}.walk_forward.test_window: must be >= 1 bar, found 0"),
    (f"{M}.walk_forward.test_window=1Q", f"{M}.walk_forward.test_window: must be bars or a calendar length"),
    (f"{M}.walk_forward.step_size=-3", f"{M}.walk_forward.step_size: must be >= 1 bar, found -3"),
    (
        f"{M}.walk_forward.training_window=",
        f"{M}.walk_forward.training_window: must be given where walk_forward",
    ),
    (f"{M}.walk_forward.mode=expanding", f"{M}.walk_forward.mode: must be rolling or anchored"),
    (f"{M}.walk_forward.purge_bars=252", f"{M}.walk_forward.purge_bars: must be < training_window (252)"),
    (
        f"{M}.walk_forward.container_per_window=false",
        f"{M}.walk_forward.container_per_window: must be true, found f",
    ),
    (f"{S}.base_grid=5", f"{S}.base_grid: must be a file or a mapping with strategies, found 5"),
    (
        f"{S}.base_grid=none.yaml",
        f"{S}.base_grid: 'none.yaml' must be a file, found none; paths are relative",
    ),
    (f"{S}.neighborhood_testing.radius=-1", f"{S}.neighborhood_testing.radius: must be >= 0"),
    (f"{S}.neighborhood_testing.shape=ball", f"{S}.neighborhood_testing.shape: must be box or star"),
    (f"{S}.method=random", f"{S}.samples: must be given where method is random"),
    (f"{S}.samples=5", f"{S}.samples: must be left out where method is grid"),
    (f"{S}.objective=sharp_ratio", f"{S}.objective: must be robust_score or a metric with a better side"),
    (f"{S}.objective=trades", f"{S}.objective: must be robust_score or a metric with a better side"),
    (f"{S}.objective=cvar_5", f"{M}.metrics: must be full where the objective is cvar_5"),
    (f"{M}.warmup=nothing", f"{M}.warmup: must be history or none"),
    (f"{M}.metrics=all", f"{M}.metrics: must be core or full"),
    (f"{M}.accounts=one", f"{M}.accounts: must be shared or separate"),
    (f"{M}.symbols=all", f"{M}.symbols: must be together or each"),
    (
        f"{M}.regimes.classifier=hmm",
        f"{M}.regimes.classifier: must be auto or trend_volatility or hidden_markov or none",
    ),
    (
        f"{M}.container_components[4].class=os.system",
        f"{M}.container_components[4].class: no component of that name",
    ),
    (
        f"{M}.container_components.broker.class=SimulatedBrokr",
        f"{M}.container_components[4].class: no component",
    ),
    (
        f"{M}.container_components.broker.class=Portfolio",
        f"{M}.container_components[4]: a container has one portf",
    ),
    (
        f"{M}.container_components.broker.name=strategy",
        f"{M}.container_components: each component must have its own",
    ),
    (
        f"{M}.container_components.strategy.params={{fast: 5}}",
        f"{M}.container_components[1].params: must be left out",
    ),
    (
        f"{M}.container_components.strategy.class=RiskManager",
        f"{M}.container_components[3]: a container has one risk",
    ),
    (
        f"{M}.container_components.broker.shared_data=true",
        f"{M}.container_components[4].shared_data: must stand at",
    ),
    (
        f"{M}.container_components.broker.params.comission_frac=0.1",
        f"{M}.container_components[4].params.comission_frac: no such parameter",
    ),
    (
        f"{M}.container_components.broker.params.commission_frac=2",
        f"{M}.container_components[4].params.commission_frac: must be within [0, 0.5], found 2",
    ),
    (
        f"{M}.container_components.portfolio.params.long_initial_margin=0.1",
        f"{M}.container_components[2].params: must satisfy long_maintenance_margin <= long_initial_margin",
    ),
    (
        f"{M}.container_components=[{{name: a, class: Portfolio}}]",
        f"{M}.container_components: must have a strategy",
    ),
    (
        f"{G}.parameters.fsat=[5]",
        f"{G}.parameters.fsat: no such parameter, found 'fsat'; did you mean 'fast'?",
    ),
    (f"{G}.parameters.fast=[0]", f"{G}.parameters.fast: must be within [1, 5000], found 0"),
    (f"{G}.parameters.fast=[5, 5]", f"{G}.parameters.fast: must hold each value once, found 5 twice"),
    (f"{G}.parameters.fast=[]", f"{G}.parameters.fast: must hold at least one value"),
    (
        f"{G}.parameters.fast={{start: 5, stop: 9, step: 0.5}}",
        f"{G}.parameters.fast: must be a whole number, found 5.5",
    ),
    (
        f"{G}.parameters.fast={{start: 5, stop: 9}}",
        f"{G}.parameters.fast: must have start, stop, step or low",
    ),
    (
        f"{G}.parameters.fast={{start: 5, stop: 9, stp: 1}}",
        f"{G}.parameters.fast.stp: unknown key; did you mean 'stop'?",
    ),
    (f"{G}.parameters.fast={{start: 5, stop: 9, step: 0}}", f"{G}.parameters.fast.step: must not be 0"),
    (
        f"{G}.parameters.fast={{start: 9, stop: 5, step: 1}}",
        f"{G}.parameters.fast: must run from start to stop",
    ),
    (
        f"{G}.parameters.fast={{low: 0, high: 9, n: 3, scale: log}}",
        f"{G}.parameters.fast.low: must be > 0 on a log",
    ),
    (
        f"{G}.parameters.fast={{low: 1, high: 9, n: 1}}",
        f"{G}.parameters.fast.n: must be a whole number from 2",
    ),
    (
        f"{G}.parameters.fast={{low: 1, high: 9, n: 3, scale: lg}}",
        f"{G}.parameters.fast.scale: must be linear or log",
    ),
    (
        f"{G}.parameters.fast={{values: [5], resolution: 0.5}}",
        f"{G}.parameters.fast.resolution: must be whole",
    ),
    (f"{G}.parameters.fast={{values: [5], resolution: 0}}", f"{G}.parameters.fast.resolution: must be > 0"),
    (
        f"{G}.parameters.side={{start: 0, stop: 1, step: 1}}",
        f"{G}.parameters.side: must be words among long, short",
    ),
    (
        f"{G}.parameters.side=[lang]",
        f"{G}.parameters.side: must be one of long, short, both, found 'lang'; did you",
    ),
    (f"{G}.parameters.fast=", f"{G}.parameters.fast: must be numbers or words, found nothing"),
    (
        f"{G}.constraints=[fst < slow]",
        f"{G}.constraints[0]: constraint 'fst < slow': no parameter 'fst'; did you mean",
    ),
    (
        f"{G}.constraints=['open(1)']",
        f"{G}.constraints[0]: constraint 'open(1)': only comparisons and arithmetic",
    ),
    (f"{G}.constraints=[5]", f"{G}.constraints[0]: must be an expression"),
    (f"{G}.constraint=[a < b]", f"{G}.constraint: unknown key; did you mean 'constraints'?"),
    (f"{S}.base_grid.strategy=x", f"{S}.base_grid.strategy: unknown key; did you mean 'strategies'?"),
    (f"{S}.base_grid={{strategies: {{}}}}", f"{S}.base_grid.strategies: must name at least one strategy"),
    (
        f"{S}.base_grid.strategies.ma_crosover.parameters={{}}",
        f"{S}.base_grid.strategies.ma_crosover: no strategy of",
    ),
    (
        f"{A}.execution.container_per_experiment=false",
        f"{A}.execution.container_per_experiment: must be true",
    ),
    (f"{A}.execution.cleanup_after_each=false", f"{A}.execution.cleanup_after_each: must be true"),
    (f"{A}.tools=[regime_stability_analisis]", f"{A}.tools[0]: must be parameter_sensitivity_heatmap or"),
    (
        f"{A}.tools=[walk_forward_consistency, walk_forward_consistency]",
        f"{A}.tools: each tool must stand once",
    ),
    (f"{E}.base_strategy=ma_crosover", f"{E}.base_strategy: no strategy of that name"),
    (f"{E}.base_strategy=buy_and_hold", f"{E}.base_strategy: must be in the parameter grid"),
    (f"{E}.modifications={{}}", f"{E}.modifications: must change something"),
    (
        f"{E}.modifications.add_filters=x",
        f"{E}.modifications.add_filters: unknown key; did you mean 'add_filter'?",
    ),
    (
        f"{E}.modifications.add_filter=RiskManager",
        f"{E}.modifications.add_filter.class: must be a filter, is a risk",
    ),
    (
        f"{E}.modifications.add_filter=5",
        f"{E}.modifications.add_filter: must be a component's class or mapping",
    ),
    (
        f"{E}.modifications.remove_components=[brokr]",
        f"{E}.modifications.remove_components: no component of that name",
    ),
    (
        f"{E}.modifications.remove_components=[strategy]",
        f"{E}.modifications.remove_components: a container cannot be",
    ),
    (
        f"{E}.modifications.replace_components=trend_direction",
        f"{E}.modifications.replace_components: must be a risk",
    ),
    (
        f"{E}.modifications.params={{risk.fraction: [1, 2]}}",
        f"{E}.modifications.params.risk.fraction: must be one val",
    ),
    (
        f"{E}.modifications.grid={{risk.fractoin: [1]}}",
        f"{E}.modifications.grid.risk.fractoin: no such parameter",
    ),
    (
        f"{E}.container_config.inherit_from=phase_2",
        f"{E}.container_config.inherit_from: must be phase_1_mining",
    ),
    (f"{T}.execution.orchestrator=BacktestCoordinator", f"{T}.execution.orchestrator: must be TestExecutor"),
    (
        f"{T}.execution.parallelism=thread",
        f"{T}.execution.parallelism: must be process where strict_isolation",
    ),
    (f"{T}.validation.drift_containers=0", f"{T}.validation.drift_containers: must be >= 1"),
    (f"{T}.test_strategies=[]", f"{T}.test_strategies: must hold at least 1 item"),
    (f"{T}.test_strategies[0].kind=adaptiv", f"{T}.test_strategies[0].kind: must be adaptive or"),
    (
        f"{T}.test_strategies[0].kind=fixed",
        f"{T}.test_strategies[0].strategy: must be given where kind is fixed",
    ),
    (
        f"{T}.test_strategies[0].kind=ensemble",
        f"{T}.test_strategies[0].members: must be at least two different",
    ),
    (
        f"{T}.test_strategies[0].members=[macd, macd]",
        f"{T}.test_strategies[0].members: must be left out where kind",
    ),
    (
        f"{T}.test_strategies[0].container_components=custom",
        f"{T}.test_strategies[0].container_components: must be in",
    ),
    (
        f"{T}.test_strategies[1].name=baseline_adaptive",
        f"{T}.test_strategies: each test strategy must have its own",
    ),
    (
        f"{T}.test_strategies[1].add_components=[]",
        f"{T}.test_strategies[1].add_components: must add a filter",
    ),
    (
        f"{T}.test_strategies[1].add_components[0].class=RiskManager",
        f"{T}.test_strategies[1].add_components[0].class",
    ),
    (
        f"{T}.test_strategies[0]={{name: x, strategy: macd, params: {{fast: 0}}}}",
        f"{T}.test_strategies[0].params.fast",
    ),
    (
        f"{T}.final_selection.weights={{robust_score: -1}}",
        f"{T}.final_selection.weights.robust_score: must be >= 0",
    ),
    (f"{T}.data=data/train_2020_2023.parquet", f"{T}.data: must begin after the training data"),
    (f"{A}=null", f"{A}: must be there where 'analysis_discovered' is tested"),
    (
        f"{M}.container_components.brokr.class=X",
        f"{M}.container_components.brokr: no item of that name; did you mean",
    ),
    (f"{M}.container_components[9].class=X", f"{M}.container_components[9]: must be below 5, found 9"),
    (f"{M}.warmup.x=1", f"{M}.warmup.x: must be below a mapping"),
    ("name", "name: must be path=value"),
    ("=5", "=5: must be path=value"),
    ("name=[1", "name: must be valid YAML"),
    ("name=&a x", "name: anchors and aliases are not allowed"),
]


@pytest.mark.parametrize(("setting", "line"), REFUSED, ids=[setting[:60] for setting, _ in REFUSED])
def test_refused(setting, line):
    base = ["phase_1_mining.warmup=history"] if ".warmup." in setting else []
    with pytest.raises(ConfigError) as caught:
        load_pipeline("configs/pipeline.yaml", [*base, setting])
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"--set {line}") or (
        message.startswith("configs/pipeline.yaml:") and message.split(" ", 1)[1].startswith(line)
    ), message
    assert ";" in message or "did you mean" in message


@pytest.mark.parametrize(
    "settings",
    [
        [f"{M}.data=sample:eurusd"],
        [f"{M}.data={{source: d.csv, start: 2014, end: 2014-06, zone: UTC, session_end: '16:00'}}"],
        [f"{M}.data.symbols=EURUSD", f"{M}.data.instruments.EURUSD.tick=0.0001"],
        [f"{M}.walk_forward.training_window=1y", f"{M}.walk_forward.test_window=3M"],
        [f"{M}.walk_forward.enabled=false"],
        [f"{S}.objective=robust_score"],
        [f"{S}.objective=cvar_5", f"{M}.metrics=full"],
        [f"{S}.method=random", f"{S}.samples=100", f"{S}.seed=7"],
        [f"{G}.parameters.risk.stop_loss_frac=[0, 0.02]"],
        [f"{G}.constraints=['risk.stop_loss_frac == 0 or side == \"long\"']"],
        [f"pipeline.{M}.container_components.portfolio.params.initial_cash=5e4"],
        [f"{E}.modifications.add_filter=[trend_direction, {{class: volatility, params: {{level: 2}}}}]"],
        [f"{E}.modifications={{params: {{risk.stop_loss_frac: 0.05}}}}"],
        [f"{E}.modifications.grid.trend_direction.mean_bars=[50, 100]"],
        [f"{E}.modifications={{replace_components: {{class: RiskManager, params: {{sizing: atr}}}}}}"],
        [f"{T}.test_strategies[0]={{name: both, kind: ensemble, members: [ma_crossover, rsi_reversion]}}"],
        [f"{T}.test_strategies[0]={{name: mine, strategy: macd, params: {{fast: 8}}}}"],
        [f"{M}.data={{source: s, end: 2019}}", f"{T}.data={{source: s, start: 2020}}"],
    ],
    ids=str,
)
def test_accepted(settings):
    config = load_pipeline("configs/pipeline.yaml", settings)
    assert parse_pipeline(config.to_dict()).to_dict() == config.to_dict()


def test_the_line_in_the_file(write):
    text = Path("configs/quickstart.yaml").read_text()
    for found, wanted, line in (
        (
            "test_window: 63",
            "test_window: 0",
            "walk_forward.test_window: must be >= 1 bar, found 0; raise it",
        ),
        (
            "commission_frac: 0.0005",
            "commission_frac: 7",
            "container_components[4].params.commission_frac: must be",
        ),
        (
            "fast: {start: 5",
            "fast: {start: 0",
            "parameter_search.base_grid.strategies.ma_crossover.parameters.fast",
        ),
    ):
        number = next(k for k, row in enumerate(text.splitlines(), start=1) if found in row)
        with pytest.raises(ConfigError) as caught:
            load_pipeline(write(text.replace(found, wanted)))
        assert str(caught.value).startswith(f"p.yaml:{number} phase_1_mining.{line}")


def test_the_first_problem_in_the_file_is_told(write, small):
    small["pipeline"]["phase_1_mining"]["warmup"] = "x"
    small["pipeline"]["container_settings"] = {"teardown_timeout": -1}
    with pytest.raises(ConfigError, match="warmup: must be"):
        load_pipeline(write(small))


def test_objectives_have_a_direction():
    from admf_ray.config.objectives import OBJECTIVES, direction_of
    from admf_ray.rules.metrics import METRICS, TAIL_METRICS

    assert set(OBJECTIVES) < {*METRICS, *TAIL_METRICS}
    assert direction_of("sharpe") == "maximize"
    assert direction_of("volatility") == "minimize"


def test_a_wrong_test_window_is_refused_by_its_own_key(write, small):
    small["pipeline"]["phase_1_mining"]["walk_forward"] = {"training_window": 50, "test_window": "abc"}
    with pytest.raises(ConfigError, match=r"walk_forward\.test_window: must be bars or"):
        load_pipeline(write(small))
