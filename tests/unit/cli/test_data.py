import pandas as pd
import pytest
from click.testing import CliRunner

from admf_ray.cli.data import data
from admf_ray.errors import DataError
from admf_ray.market import load_bars

BAD = "Date,Open,High,Low,Close\n2020-01-01,1,2,1,2\n2020-01-02,1,0.5,1,1\n2020-01-03,1,2,1,2\n"


def run(*args):
    return CliRunner().invoke(data, [str(arg) for arg in args])


def test_sample_then_check(tmp_path):
    made = run("sample", tmp_path)
    assert made.exit_code == 0
    assert "1 symbol EURUSD" in made.output
    result = run(
        "check", tmp_path / "train_2020_2023.parquet", tmp_path / "test_2024.parquet", "sample:sp500"
    )
    assert result.exit_code == 0
    for text in ("EURUSD", "daily", "Europe/Berlin", "1027", "SP500", "opens equal the previous close"):
        assert text in result.output


def test_defects_end_with_2(tmp_path):
    path = tmp_path / "A.csv"
    path.write_text(BAD)
    result = run("check", path)
    assert result.exit_code == 2
    assert "error: A.csv: high must be >= low, found 1 row (row 2 " in result.output
    mended = run("check", path, "--on-bad-rows", "drop")
    assert mended.exit_code == 0
    assert "1 rows dropped" in mended.output


def test_bars_that_only_others_have_are_counted(tmp_path):
    whole = pd.DataFrame({"Date": pd.bdate_range("2020-01-01", periods=30), "Open": 1.0, "High": 2.0})
    whole = whole.assign(Low=1.0, Close=2.0)
    holed = whole.drop(index=[0, 5, 6, 29])
    pd.concat([whole.assign(Symbol="A"), holed.assign(Symbol="B")]).to_csv(tmp_path / "both.csv", index=False)
    rows = [line.split()[:3] for line in run("check", tmp_path / "both.csv").output.splitlines()]
    assert ["A", "30", "0"] in rows
    assert ["B", "26", "2"] in rows


def test_convert(tmp_path):
    path, target = tmp_path / "A.csv", tmp_path / "A.parquet"
    path.write_text(BAD)
    refused = run("convert", path, target)
    assert isinstance(refused.exception, DataError)
    assert not target.exists()
    result = run("convert", path, target, "--on-bad-rows", "drop", "--zone", "America/New_York", "--raw")
    assert result.exit_code == 0
    assert "1 rows dropped" in result.output
    bars = load_bars(target)
    assert (bars.symbols, bars.n_bars, bars.zone) == (("A",), 2, "America/New_York")


@pytest.mark.parametrize("command", ["check", "convert"])
def test_a_missing_file_is_one_line(command, tmp_path):
    result = run(command, tmp_path / "none.csv", *([tmp_path / "x.parquet"] if command == "convert" else []))
    assert isinstance(result.exception, DataError)
    assert "found nothing there" in str(result.exception)


def test_one_unreadable_file_does_not_hide_the_others(tmp_path):
    bad, good = tmp_path / "A.csv", tmp_path / "B.csv"
    bad.write_text("Date,Open\n")
    good.write_text("Date,Open,High,Low,Close\n2020-01-01,1,2,1,2\n2020-01-02,2,2,1,2\n")
    result = run("check", bad, good)
    assert result.exit_code == 2
    assert "error: A.csv" in result.output
    assert "no defects" in result.output


def test_sessions_end_as_said_and_tables_fit_80_columns(tmp_path):
    path = tmp_path / "B.csv"
    path.write_text("Date,Open,High,Low,Close\n2020-01-01,1,2,1,2\n2020-01-02,1,2,1,2\n")
    result = run("check", path, "--zone", "Asia/Tokyo", "--session-end", "11:30")
    assert "2020-01-01 11:30  2020-01-02 11:30  daily" in result.output
    assert "closes in Asia/Tokyo time" in result.output
