"""A run's folder becomes one page: what is there is shown, nothing is fetched, no name is run."""

from pathlib import Path

import pytest

from admf_ray.errors import StoreError
from admf_ray.report import write_report
from admf_ray.results.store import RunStore
from tests.unit.report.made import phase_1, phase_2, phase_3, table
from tests.unit.report.reading import Page

FIRST = ["verdict", "run", "plateaus", "walk-forward"]
SECOND = ["experiments", "overfitting", "regimes", "clusters", "finalists"]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
MOST_BYTES = 6_000_000  # plotly.js is 4.8 MB of it


def read(store):
    return Page(Path(write_report(store)).read_text(encoding="utf-8"))


def test_sections_come_with_their_tables(tmp_path):
    store = phase_1(tmp_path / "run")
    assert read(store).headings == FIRST
    phase_2(store)
    assert read(store).headings == [*FIRST, *SECOND]
    phase_3(store)
    page = read(store)
    assert page.headings == [*FIRST, *SECOND, "validation", "drift"]
    assert "p < 0.001" in page.text  # of Kolmogorov and Smirnov's test, 0 in the table
    assert "75.0 %" in page.text
    assert "Not shown" not in page.text


def test_before_validation_it_says_so(tmp_path):
    page = read(phase_1(tmp_path / "run"))
    assert "Nothing is validated yet" in page.text
    assert "t 1.00 is below 2" in page.text
    assert "Phase 2 has not run" in page.text


def test_the_verdict_stands_first_in_its_own_words(tmp_path):
    store = phase_1(tmp_path / "run")
    phase_3(store)
    page = read(store)
    assert "None of these." in page.text
    assert page.text.index("Mind the power.") < page.text.index(
        "What was run", page.text.index("It is luck.")
    )
    refused = [attrs for tag, attrs in page.elements if attrs.get("class") == "bad"]
    phase_3(store, chosen="first")
    accepted = [attrs for tag, attrs in read(store).elements if attrs.get("class") == "good"]
    marked = [attrs for tag, attrs in read(store).elements if attrs.get("class") == "marked"]
    assert (len(refused), len(accepted), len(marked)) == (1, 1, 1)


def test_statistics_are_of_the_exposure_matched_excess(tmp_path):
    store = phase_1(tmp_path / "run")
    phase_2(store)
    text = read(store).text
    assert "0.200" in text
    assert "0.010" not in text  # SPA of raw returns
    assert "12.3 %" in text
    assert "98.7 %" not in text
    assert "7 of 9 tested." in text


def test_what_failed_is_shown(tmp_path):
    assert "crashed" in read(phase_1(tmp_path / "run")).text


def test_no_name_is_run(tmp_path):
    store = phase_1(tmp_path / "run", name=EVIL, strategy=f"s{EVIL}", parameter=f"p{EVIL}")
    phase_2(store, hypothesis=EVIL)
    page = read(store)
    assert page.text.count(EVIL) > 3  # as words
    assert {tag for tag, _ in page.elements} & {"img", "iframe", "object", "embed", "link"} == set()
    assert len(page.scripts) == 2
    assert all(page.allowed(one) for one in page.scripts)
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    for figure in page.figures:
        assert "<script" not in str(figure)
        assert "<img" not in str(figure)


def test_nothing_is_fetched(tmp_path):
    store = phase_1(tmp_path / "run")
    phase_2(store)
    page = read(store)
    links = [attrs[name] for _, attrs in page.elements for name in ("src", "href") if name in attrs]
    assert len(links) == len(page.headings)
    assert all(link.startswith("#") for link in links)
    assert page.policy.startswith("default-src 'none'; ")
    assert "http" not in page.policy
    css = store.read_bytes("report.html").decode().split("<style>")[1].split("</style>")[0]
    assert "prefers-color-scheme" in css
    assert "url(" not in css


def test_charts_have_titles_and_units(tmp_path):
    store = phase_1(tmp_path / "run")
    phase_2(store)
    phase_3(store)
    figures = read(store).figures
    assert len(figures) == 12
    for figure in figures:
        layout = figure["layout"]
        assert layout["xaxis"]["title"]["text"]
        assert "title" in layout["yaxis"]


def test_size(tmp_path):
    store = phase_1(tmp_path / "run")
    write_report(store)
    assert 1_000_000 < len(store.read_bytes("report.html")) < MOST_BYTES


def test_a_column_that_is_missing_costs_one_section_one_line(tmp_path):
    store = phase_1(tmp_path / "run")
    phase_2(store)
    table(store, "experiments", [{"name": "of another version"}])
    page = read(store)
    assert page.headings == [*FIRST, *SECOND]
    assert "experiments.parquet: must have hypothesis, conclusion, found name" in page.text


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="must hold a run"):
        write_report(RunStore(str(tmp_path)))


def test_written_elsewhere(tmp_path):
    store = phase_1(tmp_path / "run")
    assert write_report(store, tmp_path / "there" / "page.html") == str(tmp_path / "there" / "page.html")
    assert (tmp_path / "there" / "page.html").exists()
    assert not store.exists("report.html")


def test_a_value_nobody_foresaw_costs_one_section(tmp_path, caplog):
    store = phase_1(tmp_path / "run")
    table(store, "pbo", {"logit": ["x"], "inside": ["y"], "outside": ["z"]})
    page = read(store)
    assert page.headings == [*FIRST, "overfitting"]
    assert "Not shown. Unexpected ValueError" in page.text
    assert "Overfitting" in caplog.text
