"""The event-by-event run and the compiled sweep give the same bits: metrics, tails, slices, regimes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.parity.cases import COMBINATIONS, Combination, Tally, compare, markets_of, settings_of, windows_of

EXAMPLES, POINTS = 4, 16  # times three windows and the combinations: some thousand cases
# a stack takes ten seconds to compile; these have every option between them, the others are slow
FIRST = (
    "atr_day_limit", "fill_margin", "many_everything", "many_holes", "sessions", "single_ends", "stop_trail",
)  # fmt: skip
QUIET = {
    "database": None, "suppress_health_check": list(HealthCheck), "print_blob": False,
    "phases": (Phase.generate,),  # markets are drawn by a seed, so a smaller case is no simpler
}  # fmt: skip


def _run(c: Combination, examples: int, derandomize: bool) -> Tally:
    tally = Tally()

    @settings(max_examples=examples, derandomize=derandomize, **QUIET)
    @given(st.data())
    def cases(data: st.DataObject) -> None:
        bars = data.draw(markets_of(c.shape))
        windows = data.draw(windows_of(bars.n_bars))
        points = data.draw(st.lists(settings_of(c), min_size=POINTS, max_size=POINTS))
        compare(c.stack, bars, points, windows, tally)

    cases()
    return tally


@pytest.mark.parametrize(
    "c", [pytest.param(c, id=c.name, marks=() if c.name in FIRST else pytest.mark.slow) for c in COMBINATIONS]
)
def test_replay_has_the_bits_of_the_sweep(c):
    tally = _run(c, EXAMPLES, True)
    print(c.name, tally)
    assert tally.cases >= 150
    assert tally.traded > 0.5 * tally.cases, "most cases must trade, or equality means nothing"
    assert tally.fills > 4 * tally.cases


@pytest.mark.slow
@pytest.mark.parametrize("c", COMBINATIONS, ids=lambda c: c.name)
def test_replay_has_the_bits_of_the_sweep_in_many_more_cases(c):
    tally = _run(c, 25 * EXAMPLES, False)
    assert tally.traded > 0.5 * tally.cases
