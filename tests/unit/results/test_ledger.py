"""The ledgers: distinct trials and looks by what bars they saw, nothing twice, nothing lost."""

import numpy as np
import pytest

from admf_ray.market import Bars, Window, load_bars
from admf_ray.results.ledger import Ledger, bars_key, results_root


@pytest.fixture(scope="module")
def bars():
    return load_bars("sample:us_indices", end="2016")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(str(tmp_path))


def whole(bars):
    return bars_key(bars, Window("full", 0, bars.n_bars))


def test_a_trial_counts_once_whatever_run_made_it(ledger, bars):
    key = whole(bars)
    assert ledger.count(key) == 0
    ledger.add_trials(key, "one", "a", np.array([3, 1, 2, 2]))
    ledger.add_trials(key, "again", "a", np.array([1, 2, 3]))
    assert (ledger.count(key), len(ledger.entries(key))) == (3, 1)
    ledger.add_trials(key, "two", "b", np.array([3, 4]))
    assert ledger.trials(ledger.entries(key)).tolist() == [1, 2, 3, 4]


def test_a_snapshot_does_not_see_what_comes_later(ledger, bars):
    key = whole(bars)
    ledger.add_trials(key, "one", "a", np.array([1, 2]))
    seen = ledger.entries(key)
    ledger.add_trials(key, "two", "a", np.array([5]))
    assert ledger.trials(seen).tolist() == [1, 2]
    assert ledger.count(key) == 3


def test_shared_bars_are_found_under_other_dates_names_and_symbols(ledger, bars):
    ledger.add_trials(whole(bars), "one", "a", np.array([1, 2]))
    later = bars.between("2015-02-10", None)
    assert len(whole(later) - whole(bars)) == later.n_symbols  # the month that is cut
    assert ledger.count(whole(later)) == 2
    first = Bars.from_arrays(*(getattr(bars, k)[:, 0] for k in ("open", "high", "low", "close")),
                             time_ns=bars.time_ns)  # fmt: skip
    assert first.symbols != bars.symbols
    assert ledger.count(whole(first)) == 2
    moved = Bars.from_arrays(*(getattr(bars, k)[:, 0] * 1.5 for k in ("open", "high", "low", "close")),
                             time_ns=bars.time_ns)  # fmt: skip
    assert ledger.count(whole(moved)) == 0


def test_ranges_that_share_no_month_know_nothing_of_each_other(ledger, bars):
    early, late = (whole(bars.between(a, b)) for a, b in (("2010", "2012"), ("2013", "2016")))
    assert early
    ledger.add_trials(early, "one", "a", np.array([1]))
    assert ledger.count(late) == 0


def test_a_look_is_of_bars_and_finalists(ledger, bars):
    key = whole(bars)
    ledger.add_look(key, "one", ["b", "a"], year=2016)
    ledger.add_look(key, "two", ["a", "b"])
    (look,) = ledger.looks(key)
    assert (look.run, look.finalists, look.facts) == ("one", ("a", "b"), {"year": 2016})
    ledger.add_look(key, "two", ["a"])
    assert len(ledger.looks(key)) == 2
    assert ledger.count(key) == 0


def test_half_written_entries_are_none(ledger, bars, tmp_path):
    key = whole(bars)
    ledger.add_trials(key, "one", "a", np.array([1]))
    (tmp_path / "ledger" / "trials" / ".x.parquet.abc").write_bytes(b"half")
    assert ledger.count(key) == 1


@pytest.mark.parametrize(
    ("uri", "root"), [("results/run", "results"), ("/run", "/"), ("run", "."), ("s3://b/r/run/", "s3://b/r")]
)
def test_the_root_is_the_folder_of_the_run(uri, root):
    assert results_root(uri) == root
