import numpy as np
import pytest

from admf_ray.errors import DataError
from admf_ray.market import SAMPLES, load_bars, write_samples


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples_load_and_quote_their_source(name):
    bars = load_bars(f"sample:{name}")
    assert bars.n_bars > 5000
    assert bars.tradable.all()
    assert bars.counts == {}
    assert any("as shipped in the package" in note for note in bars.notes)


def test_indices_share_their_days():
    bars = load_bars("sample:us_indices")
    assert bars.symbols == ("NASDAQ", "SP500")
    assert bars.zone == "America/New_York"
    assert set(bars.minute_of_day.tolist()) == {960}
    assert bars.volume is not None
    assert [day.isoformat() for day in bars.dates] == ["1999-01-04", "2018-12-31"]


def test_what_is_odd_about_them_is_said():
    assert any(
        "before 2006 opens equal the previous close" in note for note in load_bars("sample:sp500").notes
    )
    assert any("in 1999-2005" in note for note in load_bars("sample:sp500").notes)
    assert not any("opens" in note for note in load_bars("sample:nasdaq").notes)
    assert any("one fix a day" in note for note in load_bars("sample:eurusd").notes)


def test_eurusd_is_one_fix_a_day():
    bars = load_bars("sample:eurusd")
    for column in (bars.open, bars.high, bars.low):
        assert np.array_equal(column, bars.close)
    assert bars.volume is None
    assert bars.close[0, 0] == 1.1789
    assert set(bars.minute_of_day.tolist()) == {14 * 60 + 15}


def test_written_samples_are_the_sample(tmp_path):
    train, test = write_samples(tmp_path / "data")
    assert (train.name, test.name) == ("train_2020_2023.parquet", "test_2024.parquet")
    sample = load_bars("sample:eurusd", start="2020", end="2024")
    for path, start, end in ((train, "2020", "2023"), (test, "2024", "2024")):
        bars, part = load_bars(path), sample.between(start, end)
        assert bars.symbols == ("EURUSD",)
        assert np.array_equal(bars.time_ns, part.time_ns)
        assert np.array_equal(bars.close, part.close)


def test_an_unknown_sample_is_named():
    with pytest.raises(DataError, match="did you mean 'sp500'"):
        load_bars("sample:sp50")
