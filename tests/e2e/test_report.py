"""``admf-ray run`` ends with a report, ``admf-ray report`` writes it again."""

from click.testing import CliRunner

from admf_ray.cli import cli
from tests.searching import pipeline, written
from tests.serial import serial
from tests.unit.report.reading import Page


def test_a_run_ends_with_its_report(tmp_path):
    file, out = written(tmp_path, pipeline(tmp_path)), tmp_path / "out"
    with serial():
        done = CliRunner().invoke(cli, ["run", str(file), "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"report: {out / 'report.html'}" in done.output
    page = Page((out / "report.html").read_text())
    assert page.headings == ["verdict", "run", "plateaus", "walk-forward"]
    assert "Not shown" not in page.text
    assert len(page.figures) == 4
    told = CliRunner().invoke(cli, ["report", str(out), "--out", str(tmp_path / "again.html")])
    assert told.output == f"report: {tmp_path / 'again.html'}\n"
    assert (tmp_path / "again.html").read_bytes() == (out / "report.html").read_bytes()
