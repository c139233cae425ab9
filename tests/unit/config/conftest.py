import copy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]

SMALL = {
    "pipeline": {
        "name": "small",
        "phase_1_mining": {
            "data": "sample:sp500",
            "parameter_search": {
                "base_grid": {
                    "strategies": {"ma_crossover": {"parameters": {"fast": [5, 10], "slow": [20, 40]}}}
                }
            },
        },
    }
}


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    """Paths are relative to the working directory."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def small():
    return copy.deepcopy(SMALL)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a pipeline and return its name, relative to the working directory."""

    def to_file(value, name="p.yaml"):
        monkeypatch.chdir(tmp_path)
        text = value if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False)
        (tmp_path / name).write_text(text)
        return name

    return to_file
