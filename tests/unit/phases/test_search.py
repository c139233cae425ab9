"""What cannot be searched is refused by the place in the user's own file."""

import numpy as np
import pytest
import yaml

from admf_ray.config.load import load_pipeline
from admf_ray.errors import ConfigError, DataError
from admf_ray.phases.search import job_of, prepare_search
from tests.searching import pipeline


def loaded(folder, body):
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump(body))
    return load_pipeline(file)


def line_of(folder, word):
    return next(
        k for k, text in enumerate((folder / "mine.yaml").read_text().splitlines(), 1) if word in text
    )


def test_windows_longer_than_the_data_are_refused_by_their_place(tmp_path):
    body = pipeline(tmp_path)
    body["pipeline"]["phase_1_mining"]["walk_forward"]["training_window"] = 250
    config = loaded(tmp_path, body)
    with pytest.raises(DataError) as caught:
        prepare_search(config)
    place = f"mine.yaml:{line_of(tmp_path, 'walk_forward:')} "
    assert f"{place}phase_1_mining.walk_forward: one fold needs 250 bars" in str(caught.value)


@pytest.mark.parametrize("rule", ["fast * 10 < slow", None])
def test_a_grid_without_a_point_names_the_users_own_constraints(tmp_path, rule):
    grid = {"parameters": {"fast": [4, 40], "slow": [8, 14]}} | ({"constraints": [rule]} if rule else {})
    made = prepare_search(loaded(tmp_path, pipeline(tmp_path, {"ma_crossover": grid}, folds=False)))
    ((stack, lattice),) = made.searches
    with pytest.raises(ConfigError, match=r"ma_crossover: some point .* fast < slow") as caught:
        job_of(made, stack, lattice, np.empty(0, dtype=np.int64), made.neighborhood)
    _, _, advice = str(caught.value).partition("; ")
    if rule is None:
        assert advice == "move the grid"
    else:
        assert advice.startswith("move the grid or change ")
        assert f"mine.yaml:{line_of(tmp_path, rule)} " in advice
        assert rule in str(caught.value)
