"""The command line as a user meets it: what it prints, what it writes, one line for each bad input."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from admf_ray.cli import cli, main
from admf_ray.market import load_bars


def call(*words: str) -> str:
    """Run a command in this process and return what it printed."""
    done = CliRunner().invoke(cli, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refuse(capsys, monkeypatch, *words: str) -> str:
    """Run a command that must fail with one line on stderr and exit code 2."""
    monkeypatch.setattr(sys, "argv", ["admf-ray", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    return text


BACKTEST = ["backtest", "--strategy", "ma_crossover", "--set", "fast=5", "--set", "slow=20"]
DATA = ["--data", "sample:sp500", "--start", "2014", "--end", "2017"]


def test_backtest_prints_metrics_and_writes_what_happened(tmp_path):
    out = call(*BACKTEST, *DATA, "--out", str(tmp_path), "--commission-frac", "0.001", "--cash", "50000")
    assert "ma_crossover(fast=5, slow=20, side=long) on SP500, 2014-01-02 to 2017-12-29" in " ".join(
        out.split()
    )
    trades = pd.read_csv(tmp_path / "trades.csv")
    equity = pd.read_csv(tmp_path / "equity.csv")
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert len(trades) > 10
    assert equity["equity"].iloc[0] == 50_000.0
    fills = [event for event in events if event["event"] == "Fill"]
    assert len(fills) == len(trades) * 2 - (trades["reason"] == "open").sum()
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))


def test_backtest_in_json_agrees_with_python():
    from admf_ray import backtest

    found = json.loads(call(*BACKTEST, *DATA, "--json"))
    point = {"fast": 5, "slow": 20}
    result = backtest("ma_crossover", point, data="sample:sp500", start="2014", end="2017")
    assert found["metrics"]["sharpe"] == result.metrics["sharpe"]
    assert found["metrics"]["trades"] == len(result.trades.query("reason != 'open'"))


def test_a_users_own_python_strategy_runs_unchanged(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from admf_ray import Strategy\n"
        "class HighestOfTen(Strategy):\n"
        "    'Long while the close is the highest of ten.'\n"
        "    def on_bar(self, bar):\n"
        "        if bar.bar < 10:\n"
        "            return None\n"
        "        closes = bar.close\n"
        "        return 1.0 if closes[-1] == max(closes[-10:]) else 0.0\n"
    )
    found = json.loads(
        call("backtest", "--strategies", str(file), "--strategy", "HighestOfTen", *DATA, "--json")
    )
    assert found["metrics"]["trades"] > 20
    bars = load_bars("sample:sp500").between(None, "2017")
    close = pd.Series(bars.close[:, 0])
    wanted = (close == close.rolling(10).max()).to_numpy()
    start = bars.n_bars - bars.between("2014").n_bars
    turns = np.diff(wanted[start:-1].astype(int), prepend=0)
    assert found["fills"] == int((turns != 0).sum())


def test_components_lists_and_explains():
    assert "ma_crossover" in call("components")
    explained = call("components", "rsi_reversion")
    assert "Wilder" in explained
    assert "oversold" in explained


def test_the_specifications_data_is_written_and_checked(tmp_path):
    call("data", "sample", str(tmp_path))
    out = call("data", "check", str(tmp_path / "train_2020_2023.parquet"))
    assert "EURUSD" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backtest", "--strategy", "ma_crosover", *DATA], "did you mean 'ma_crossover'"),
        ([*BACKTEST, "--set", "fats=3", *DATA], "did you mean 'fast'"),
        ([*BACKTEST[:3], "--set", "fast=30", "--set", "slow=5", *DATA], "must satisfy fast < slow"),
        ([*BACKTEST[:3], "--set", "fast=2.5", *DATA], "must be a whole number, found 2.5"),
        ([*BACKTEST[:3], "--set", "fast=abc", *DATA], "must be a finite number, found 'abc'"),
        ([*BACKTEST[:3], "--set", "fast=0", *DATA], "must be within [1, 5000], found 0"),
        ([*BACKTEST[:3], "--set", "fast", *DATA], "must be name=value"),
        ([*BACKTEST, "--set", "fast=9", *DATA], "given twice"),
        ([*BACKTEST, "--sizing", "all", *DATA], "must be one of fixed_fraction"),
        ([*BACKTEST, "--data", "sample:sp5000"], "sample:sp500"),
        ([*BACKTEST, "--data", "nowhere.parquet"], "nowhere.parquet"),
        ([*BACKTEST, "--data", "sample:sp500", "--start", "2025"], "no bar lies between"),
        ([*BACKTEST, "--data", "sample:sp500", "--filter", "trend"], "component 'trend'"),
        ([*BACKTEST, *DATA, "--cash", "5", "--set", "portfolio.initial_cash=6"], "given twice"),
        (
            [*BACKTEST, "--data", "sample:sp500", "--start", "2017", "--end", "2014"],
            "2017 to 2014; swap them",
        ),
        (["backtest", *DATA], "must have --strategy or a choice's file"),
        (["components", "no_such_thing"], "no component of that name"),
        (["data", "check", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, monkeypatch, words, said):
    assert said in refuse(capsys, monkeypatch, *words)


UNNAMED = "must name a file or folder, found nothing; name one"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("--data", [*BACKTEST, "--data", ""]),
        ("--out", [*BACKTEST, *DATA, "--out", ""]),
        ("--results", [*BACKTEST, *DATA, "--results", " "]),
        ("--strategies", [*BACKTEST, *DATA, "--strategies", ""]),
        ("CHOICE.yaml", ["backtest", "", *DATA]),
        ("CHOICE.yaml", ["signal", "", *DATA[:2]]),
        ("PIPELINE.yaml", ["run", ""]),
        ("PIPELINE.yaml", ["plan", ""]),
        ("--out", ["run", "configs/quickstart.yaml", "--out", ""]),
        ("RUN", ["resume", ""]),
        ("RUN", ["verify", ""]),
        ("RUN", ["report", ""]),
        ("--out", ["report", "nowhere", "--out", ""]),
        ("FILE", ["data", "check", ""]),
        ("SRC", ["data", "convert", "", "x.parquet"]),
        ("DST", ["data", "convert", "sample:sp500", ""]),
        ("DIR", ["data", "sample", ""]),
    ],
)
def test_a_place_without_a_name_is_not_the_working_folder(capsys, monkeypatch, place, words):
    assert refuse(capsys, monkeypatch, *words) == f"error: {place}: {UNNAMED}\n"


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("s3://", "found neither bucket nor folder"),
        ("s3://k:s@bucket?region=eu-west-1", "found a bucket without a folder"),
        ("nowhere://bucket/x", "found Unrecognized filesystem type"),
        ("file://relative/x", "found Unsupported hostname"),
    ],
)
def test_a_storage_that_cannot_hold_a_run_is_refused(capsys, monkeypatch, out, said):
    text = refuse(capsys, monkeypatch, "run", "configs/quickstart.yaml", "--out", out)
    assert text.startswith(f"error: {out}: must be a folder, or a storage address that answers")
    assert said in text


class _Forbidden(BaseHTTPRequestHandler):
    """Storage that lets nobody in."""

    def do_HEAD(self):
        self.send_error(403)

    def log_message(self, *_):
        pass


def test_storage_that_lets_nobody_in_is_one_line(capsys, monkeypatch):
    with HTTPServer(("127.0.0.1", 0), _Forbidden) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        out = (
            f"s3://k:s@bucket/x?region=eu-west-1&scheme=http&endpoint_override=127.0.0.1:{server.server_port}"
        )
        text = refuse(capsys, monkeypatch, "run", "configs/quickstart.yaml", "--out", out)
        server.shutdown()
    assert f"{out}: must be a folder, or a storage address that answers" in text
    assert "ACCESS_DENIED" in text
    assert len(text) < 700


@pytest.mark.parametrize(
    "words",
    [
        [*BACKTEST, *DATA, "--out", "s3://bucket/x"],
        ["report", "nowhere", "--out", "s3://bucket/x.html"],
        ["data", "sample", "s3://bucket/x"],
        ["data", "convert", "sample:sp500", "s3://bucket/x.parquet"],
    ],
)
def test_what_is_written_here_is_no_storage_address(tmp_path, capsys, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    text = refuse(capsys, monkeypatch, *words)
    assert "must be a path on this machine" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--data", "--strategies"])
def test_data_and_strategies_may_stand_at_an_address(tmp_path, capsys, monkeypatch, option):
    address = f"file://{tmp_path}/nowhere.py"
    text = refuse(capsys, monkeypatch, *BACKTEST, *DATA, option, address)
    assert text.startswith(f"error: {address}: must be")
    assert "on this machine" not in text


def test_json_and_quiet_exclude_each_other(capsys, monkeypatch):
    text = refuse(capsys, monkeypatch, "run", "configs/quickstart.yaml", "--json", "--quiet")
    assert "--quiet, --json: must not both be given" in text


def test_a_file_with_defects_names_file_row_and_rule(tmp_path, capsys, monkeypatch):
    file = tmp_path / "bad.csv"
    file.write_text(
        "Date,Open,High,Low,Close,Volume\n2020-01-02,10,11,9,10,5\n2020-01-03,10,9,11,10,5\n2020-01-06,10,11,9,-1,5\n"
    )
    text = refuse(capsys, monkeypatch, *BACKTEST, "--data", str(file))
    assert "bad.csv" in text


def test_the_program_itself_runs():
    done = subprocess.run(
        [sys.executable, "-c", "from admf_ray.cli import main; main()", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("admf-ray, version ")


def test_a_bare_command_prints_its_help(capsys, monkeypatch):
    for words in ([], ["data"]):
        monkeypatch.setattr(sys, "argv", ["admf-ray", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 2
        text = capsys.readouterr().err
        assert text.startswith("Usage: ")
        assert text.count("\n") > 5


def test_the_unexpected_is_one_line_too_and_names_its_place(capsys, monkeypatch):
    monkeypatch.setattr("admf_ray.cli.schema.pipeline_schema", lambda: {}["lost"])
    assert "unexpected KeyError: 'lost'" in refuse(capsys, monkeypatch, "schema")
    monkeypatch.setattr(sys, "argv", ["admf-ray", "--debug", "schema"])
    with pytest.raises(SystemExit):
        main()
    assert "Traceback" in capsys.readouterr().err


def test_convert_never_writes_over_what_it_reads(tmp_path, capsys, monkeypatch):
    source = tmp_path / "mine.csv"
    source.write_text("Date,Open,High,Low,Close\n2020-01-01,1,2,1,2\n2020-01-02,1,2,1,2\n")
    before = source.read_bytes()
    assert "must end in .parquet" in refuse(capsys, monkeypatch, "data", "convert", str(source), str(source))
    assert source.read_bytes() == before


def test_a_backtest_says_what_is_doubtful_in_its_data(tmp_path):
    rows = ["Date,Open,High,Low,Close"]
    rows += [
        f"2020-01-{d:02d},{p},{p + 1},{p - 1},{p}"
        for d, p in zip(range(2, 30), [100] * 12 + [50] * 16, strict=True)
    ]
    rows[5] = rows[5].replace(",100,", ",,", 1)
    file = tmp_path / "split.csv"
    file.write_text("\n".join(rows) + "\n")
    words = ["backtest", "--strategy", "buy_and_hold", "--data", str(file), "--on-bad-rows", "drop"]
    notes = json.loads(call(*words, "--json", "--out", str(tmp_path)))["notes"]
    assert any("1 rows dropped" in note for note in notes)
    assert any("must not look like splits" in note for note in notes)
    shown = call(*words)
    assert all(f"note: {note}" in shown for note in notes)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["notes"] == notes
    assert written["metrics"]["bars"] == 27


def test_results_that_cannot_be_written_are_refused_before_the_work(tmp_path, capsys, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    for words in ([*BACKTEST, *DATA], ["run", "configs/quickstart.yaml"]):
        text = refuse(capsys, monkeypatch, *words, "--out", str(file / "below"))
        assert "must be a folder to write to" in text


def test_a_grid_without_a_point_names_the_rules_it_breaks(tmp_path, capsys, monkeypatch):
    grid = "phase_1_mining.parameter_search.base_grid.strategies.ma_crossover.parameters.fast=[300, 400]"
    text = refuse(
        capsys, monkeypatch, "run", "configs/quickstart.yaml", "--set", grid, "--out", str(tmp_path)
    )
    assert "ma_crossover: some point of the grid must satisfy fast < slow" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", ["random", "optuna"])
def test_a_sample_without_a_point_names_the_users_own_rule_and_its_place(
    tmp_path, capsys, monkeypatch, method
):
    search = "phase_1_mining.parameter_search"
    ours = '{ma_crossover: {parameters: {fast: [5, 9]}, constraints: ["fast > 60"]}}'
    settings = [f"{search}.method={method}", f"{search}.samples=3", f"{search}.base_grid.strategies={ours}"]
    words = [word for one in settings for word in ("--set", one)]
    text = refuse(capsys, monkeypatch, "run", "configs/quickstart.yaml", *words, "--out", str(tmp_path))
    assert "and fast > 60, found none among 2; move the grid or change --set" in text
    assert ".ma_crossover.constraints[0]" in text
    assert not list(tmp_path.iterdir())


ROWS = ["Date,Open,High,Low,Close", *(f"2020-01-{d:02d},9,10,8,9" for d in range(2, 12))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "\n".join(ROWS).replace("2020-01-05", "9999-01-05"),
            "found 9999-01-05 00:00:00 at row 4; correct it",
        ),
        ("\n".join(ROWS).replace(",10,", f",+{'9' * 400},", 1), "High must be numbers below 1e308"),
        ("\n".join(ROWS).replace("High", "Open"), "must have a name of its own, found 'Open' twice"),
    ],
)
def test_a_file_that_cannot_be_numbers_and_stamps_is_one_line(tmp_path, capsys, monkeypatch, text, said):
    file = tmp_path / "a.csv"
    file.write_text(text)
    for words in (
        ["data", "check"],
        ["data", "convert"],
        ["backtest", "--strategy", "buy_and_hold", "--data"],
    ):
        target = [str(tmp_path / "a.parquet")] if words[-1] == "convert" else []
        shown = refuse(capsys, monkeypatch, *words, str(file), *target)
        assert "a.csv: " in shown
        assert said in shown
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys\n\nsys.exit(0)\n", "mine.py:3: does not import, SystemExit: 0; mend it"),
        ("x = 1\nraise ValueError('no')\n", "mine.py:2: does not import, ValueError: no; mend it"),
        ("def (:\n", "mine.py:1: does not import, SyntaxError"),
        ("x = 1\n", "mine.py: must define a component, found none"),
    ],
)
def test_a_strategy_file_that_does_not_import_is_one_line_with_its_line(
    tmp_path, capsys, monkeypatch, text, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(text)
    assert said in refuse(capsys, monkeypatch, "check", "mine.py")
    assert said in refuse(capsys, monkeypatch, *BACKTEST, *DATA, "--strategies", "mine.py")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frobnicate"], "No such command 'frobnicate'; see admf-ray --help"),
        (["run"], "Missing argument 'PIPELINE.yaml'; see admf-ray run --help"),
        (["data", "chek"], "see admf-ray data --help"),
        (["run", "configs/quickstart.yaml", "--workers", "0"], "x>=1; see admf-ray run --help"),
        (["verify", "nowhere", "--seed", "-1"], "x>=0; see admf-ray verify --help"),
        (["run", "a" * 300], "the system refuses, File name too long; see the path"),
    ],
)
def test_words_that_no_command_takes_say_where_to_read(capsys, monkeypatch, words, said):
    assert said in refuse(capsys, monkeypatch, *words)


@pytest.mark.parametrize("address", ["", "x", "h:99999", "ray://h:1", "127.0.0.1:1"])
def test_a_cluster_that_is_none_begins_no_run(tmp_path, capsys, monkeypatch, address):
    out = tmp_path / "run"
    words = ["run", "configs/quickstart.yaml", "--out", str(out), "--address", address]
    assert f"--address {address}: must " in refuse(capsys, monkeypatch, *words)
    assert not out.exists()


WHOLE = {
    "format": "1",
    "pipeline": {"name": "x"},
    "bars": {"hash": ""},
    "contexts": [{"strategy": "x"}],
}


@pytest.mark.parametrize("command", [["resume"], ["verify"], ["report"]])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be JSON"),
        ("[]", "found no format nor pipeline nor bars nor contexts"),
        (json.dumps({**WHOLE, "bars": 5}), "found no bars; restore it"),
        (json.dumps(WHOLE)[:-9], "must be JSON"),
    ],
)
def test_a_manifest_that_is_none_is_one_line(tmp_path, capsys, monkeypatch, command, text, said):
    (tmp_path / "run.json").write_text(text)
    assert said in refuse(capsys, monkeypatch, *command, str(tmp_path))
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({**WHOLE, "format": "0"}, "must be of format 1, found 0"),
        (WHOLE, "run.json: must be as it was written, found KeyError 'varied' in it"),
    ],
)
def test_rows_of_a_manifest_that_is_not_ours_are_not_verified(tmp_path, capsys, monkeypatch, facts, said):
    (tmp_path / "run.json").write_text(json.dumps(facts))
    assert said in refuse(capsys, monkeypatch, "verify", str(tmp_path))


def test_a_strategy_that_ends_the_program_is_an_error(tmp_path, capsys, monkeypatch):
    file = tmp_path / "mine.py"
    file.write_text(
        "import sys\nfrom admf_ray import Strategy\n\n\nclass Ends(Strategy):\n    'Ends itself.'\n\n"
        "    def on_bar(self, bar):\n        sys.exit(0)\n"
    )
    text = refuse(capsys, monkeypatch, "backtest", "--strategies", str(file), "--strategy", "Ends", *DATA)
    assert "mine.py:9 Ends.on_bar: raised SystemExit: 0 at bar" in text
