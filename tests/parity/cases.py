"""Structural combinations that together cover every option, and the draws of everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from admf_ray.components.library.trend import MaCrossover
from admf_ray.engine.outcome import ReplayResult
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import SweepResult, sweep
from admf_ray.market import Bars, Window
from tests.parity.markets import Shape, market
from tests.parity.strategies import Calm, Clock, Cooldown, Counting, Hashed

N_REGIMES = 3


@dataclass(frozen=True)
class Combination:
    """One compiled structure.

    Parameters
    ----------
    protect : str
        ``""``, or any of ``frac``, ``atr``, ``trail``: which distance is always on; the others may be.
    """

    name: str
    strategy: type[Any] = Hashed
    filters: tuple[type[Any], ...] = ()
    shape: Shape = field(default_factory=Shape)
    sizing: str = "fixed_fraction"
    size_at: str = "decision"
    order_type: str = "market"
    time_in_force: str = "gtc"
    protect: str = ""
    carry: bool = False
    halts: bool = False
    band: bool = False
    gross: bool = False
    margin: bool = False
    lots: str = "fractions"

    @cached_property
    def stack(self) -> Stack:
        return Stack(self.strategy, self.filters)


S = Shape
COMBINATIONS = (
    Combination("plain", MaCrossover),
    Combination("bracket", Hashed, (Calm,), protect="frac"),
    Combination("limit_atr", Hashed, order_type="limit", protect="atr", gross=True),
    Combination(
        "stop_trail", Counting, sizing="fixed_size", order_type="stop", protect="trail", margin=True,
        shape=S(holes=True),
    ),
    Combination(
        "volatility_band", Hashed, (Cooldown,), sizing="volatility_target", band=True, halts=True,
        shape=S(holes=True), lots="whole",
    ),
    Combination(
        "atr_day_limit", Hashed, (Cooldown, Calm), sizing="atr", order_type="limit", time_in_force="day",
        protect="frac", carry=True, shape=S(intraday=True),
    ),
    Combination("fill_margin", Hashed, size_at="fill", margin=True, gross=True, lots="whole", halts=True),
    Combination(
        "single_ends", Clock, sizing="atr", order_type="stop", time_in_force="day", protect="trail",
        band=True, shape=S(holes=True, ends=True),
    ),
    Combination(
        "sessions", Hashed, size_at="fill", order_type="stop", protect="frac", carry=True,
        shape=S(sessions=True),
    ),
    Combination("many_plain", Hashed, (Calm, Cooldown, Calm), shape=S(2), carry=True, halts=True),
    Combination(
        "many_fill_limit", Hashed, size_at="fill", order_type="limit", protect="frac", shape=S(2),
        lots="whole",
    ),
    Combination(
        "many_holes", Counting, (Cooldown,), sizing="fixed_size", order_type="stop", time_in_force="day",
        protect="atr", margin=True, shape=S(3, holes=True, intraday=True),
    ),
    Combination(
        "many_ends", Hashed, sizing="volatility_target", band=True, margin=True, carry=True,
        shape=S(3, holes=True, ends=True),
    ),
    Combination(
        "many_everything", Hashed, (Calm,), sizing="volatility_target", size_at="fill", order_type="limit",
        time_in_force="day", protect="trail", band=True, halts=True, margin=True, carry=True, lots="whole",
        shape=S(4, holes=True, ends=True, sessions=True),
    ),
)  # fmt: skip


def _number(low: float, high: float, *special: float) -> st.SearchStrategy[float]:
    floats = st.floats(low, high, allow_nan=False, allow_subnormal=False)
    return st.one_of(st.sampled_from(special), floats) if special else floats


def _strategy_settings(cls: type[Any]) -> dict[str, st.SearchStrategy[Any]]:
    if cls is MaCrossover:
        return {
            "fast": st.integers(1, 5), "slow": st.integers(6, 25),
            "side": st.sampled_from(["long", "short", "both", "both"]),
        }  # fmt: skip
    if cls is Hashed:
        return {
            "salt": _number(0.0, 1.0), "often": _number(0.4, 1.0), "levels": st.integers(1, 6),
            "nans": _number(0.0, 0.3, 0.0),
        }  # fmt: skip
    if cls is Counting:
        return {"fast": st.integers(1, 4), "slow": st.integers(2, 12), "hold": st.integers(1, 20)}
    return {"period": st.integers(2, 12), "side": st.sampled_from(["long", "short", "both"])}


def settings_of(c: Combination) -> st.SearchStrategy[dict[str, Any]]:
    """Draw one point's settings; what shapes the code stays as the combination says."""
    draws = _strategy_settings(c.strategy)
    for prefix, cls in zip(c.stack.prefixes[1:-3], c.filters, strict=True):
        if cls is Cooldown:
            draws[f"{prefix}bars"] = st.integers(0, 4)
        else:
            draws[f"{prefix}cut"] = _number(0.0, 1.0)
            draws[f"{prefix}move"] = _number(0.0, 0.1)
    wide = 4.0 if c.margin else 1.5
    limit = _number(0.2, wide, 1.0)
    draws |= {
        "risk.fraction": _number(0.2, wide, 1.0),
        "risk.size_units": _number(1.0, 900.0, 100.0),
        "risk.target_volatility": _number(0.05, 1.5),
        "risk.volatility_bars": st.integers(2, 15),
        "risk.risk_frac": _number(0.002, 0.2),
        "risk.atr_multiple": _number(0.5, 5.0),
        "risk.atr_bars": st.integers(1, 15),
        "risk.max_symbol_exposure": limit,
        "broker.offset_frac": _number(0.0, 0.03, 0.0),
        "broker.commission_frac": _number(0.0, 0.01, 0.0),
        "broker.commission_per_share": _number(0.0, 0.1, 0.0),
        "broker.commission_per_order": _number(0.0, 5.0, 0.0),
        "broker.commission_min": _number(0.0, 10.0, 0.0),
        "broker.slippage_frac": _number(0.0, 0.01, 0.0),
        "broker.slippage_ticks": _number(0.0, 3.0, 0.0),
        "broker.slippage_range_frac": _number(0.0, 0.3, 0.0),
        "broker.spread_frac": _number(0.0, 0.01, 0.0),
        "portfolio.initial_cash": _number(5e3, 1e6, 100_000.0),
        "portfolio.short_initial_margin": _number(0.0, 1.5, 0.5),
        "portfolio.short_maintenance_margin": _number(0.0, 1.0, 0.3),
    }
    fixed = {
        "risk.sizing": c.sizing, "risk.size_at": c.size_at, "risk.lots": c.lots,
        "broker.order_type": c.order_type, "broker.time_in_force": c.time_in_force,
        "risk.flat_at_session_end": "yes" if c.shape.sessions else "no",
    }  # fmt: skip
    draws |= {key: st.just(value) for key, value in fixed.items()}
    if c.protect:
        for kind in ("stop_loss", "take_profit", "trailing_stop"):
            draws[f"risk.{kind}_frac"] = _number(0.0, 0.1, 0.0)
            if c.protect == "atr":
                draws[f"risk.{kind}_atr"] = _number(0.0, 3.0, 0.0)
        anchor = {"frac": "stop_loss_frac", "atr": "stop_loss_atr", "trail": "trailing_stop_frac"}[c.protect]
        draws[f"risk.{anchor}"] = _number(0.2, 3.0) if c.protect == "atr" else _number(0.002, 0.15)
    if c.carry:
        draws["broker.borrow_frac_per_year"] = _number(0.001, 2.0)
        draws["broker.interest_frac_per_year"] = _number(0.0, 0.2, 0.0)
    if c.halts:
        draws["risk.max_drawdown_frac"] = _number(0.1, 0.9)
    if c.band:
        draws["risk.rebalance_band_frac"] = _number(0.0001, 0.2)
    if c.margin:
        draws["portfolio.long_initial_margin"] = _number(0.05, 0.95)
        draws["portfolio.long_maintenance_margin"] = _number(0.0, 0.05)
    share = _number(0.2, 0.95)
    return st.tuples(st.fixed_dictionaries(draws), share).map(lambda drawn: _limited(c, *drawn))


def _limited(c: Combination, settings: dict[str, Any], share: float) -> dict[str, Any]:
    limit = settings["risk.max_symbol_exposure"]
    settings["risk.max_gross_exposure"] = limit * share if c.gross else limit * (1.0 + share)
    return settings


def markets_of(shape: Shape, n_bars: int = 120) -> st.SearchStrategy[Bars]:
    """Draw a market of a shape."""
    return st.builds(
        market,
        st.integers(0, 2**32 - 1),
        st.just(shape),
        st.integers(n_bars * 3 // 4, n_bars * 5 // 4),
        daily_volatility=_number(0.003, 0.06),
        violence=st.sampled_from([0.0, 0.0, 0.01, 0.06]),
        flat=st.booleans(),
        coarse=st.booleans(),
        units=st.booleans(),
    )


@st.composite
def windows_of(draw: Any, n_bars: int) -> list[Window]:
    """Draw ``full``, one that is long enough to trade in, and one of any length."""
    start = draw(st.integers(0, n_bars - 45))
    stop = draw(st.integers(start + 45, n_bars))
    other = draw(st.integers(n_bars // 4, n_bars - 1))
    end = draw(st.integers(other + 1, n_bars))
    return [Window("full", 0, n_bars), Window("long", start, stop), Window("any", other, end)]


def labels_of(bars: Bars) -> NDArray[np.int64]:
    """Return labels of three regimes in runs of some bars, unknown at first and now and then."""
    rng = np.random.default_rng(bars.n_bars)
    changes = rng.random(bars.n_bars) < 0.1
    drawn = rng.integers(-1, N_REGIMES, bars.n_bars)[np.cumsum(changes)]
    drawn[:5] = -1
    return drawn


@dataclass
class Tally:
    """How many cases were compared, and how many of them traded."""

    cases: int = 0
    traded: int = 0
    fills: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, result: ReplayResult) -> None:
        self.cases += 1
        self.traded += bool(result.fills)
        self.fills += len(result.fills)
        for fill in result.fills:
            self.reasons[fill.reason] = self.reasons.get(fill.reason, 0) + 1


def assert_same(swept: SweepResult, i: int, w: int, replayed: ReplayResult, said: Any) -> None:
    """Compare one row of a sweep with its replay, byte by byte."""
    row = np.array([replayed.metrics[name] for name in swept.metrics])
    mine = swept.values[i, w]
    if row.tobytes() != mine.tobytes():
        differ = [
            f"{name}: sweep {a!r}, replay {b!r}"
            for name, a, b in zip(swept.metrics, mine.tolist(), row.tolist(), strict=True)
            if np.float64(a).tobytes() != np.float64(b).tobytes()
        ]
        raise AssertionError(f"{said}, {replayed.window}:\n" + "\n".join(differ))
    sums = swept.slice_sums[i, w]
    own = replayed.slice_sums
    assert sums[: len(own)].tobytes() == own.tobytes(), f"slice sums differ: {said}, {replayed.window}"
    assert not sums[len(own) :].any()
    if replayed.window.name == "full":
        mine, own = swept.regime_sums[i], replayed.regime_sums
        assert mine.tobytes() == own.tobytes(), f"regime sums differ: {said}, {replayed.window}"


def compare(
    stack: Stack, bars: Bars, points: list[dict[str, Any]], windows: list[Window], tally: Tally
) -> SweepResult:
    """Sweep all points, replay each, and compare every bit."""
    values = stack.values(points)
    labels = labels_of(bars)
    told: dict[str, Any] = {"labels": labels, "n_regimes": N_REGIMES}
    swept = sweep(bars, stack, values, windows, tail=True, **told)
    for i, row in enumerate(values):
        for w, window in enumerate(windows):
            replayed = Replay(bars, stack, row, window, **told).run()
            tally.add(replayed)
            assert_same(swept, i, w, replayed, points[i])
    return swept
