"""What kind of returns a candidate has, in a few figures."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.clustering.series import varies

__all__ = ["Features", "features_of"]

Floats = NDArray[np.float64]

QUANTILES = {"quantile_01": 0.01, "quantile_05": 0.05, "quantile_95": 0.95, "quantile_99": 0.99}


class Features(NamedTuple):
    """Figures of return series, all per bar.

    Attributes
    ----------
    names : tuple of str (n_features,)
        ``mean``, ``volatility`` (n - 1), ``skew``, ``kurtosis`` (raw: 3 for normal), the quantiles
        ``quantile_01`` to ``quantile_99``, ``autocorrelation`` (of lag 1), ``max_drawdown_frac`` (<= 0),
        ``longest_drawdown_frac`` (bars of the longest time below a peak over all bars),
        ``under_water_frac`` (share of bars below the peak so far), ``time_in_market_frac``, and
        ``mean_regime_<label>`` per regime.
    values : float64 array (n_candidates, n_features)
    """

    names: tuple[str, ...]
    values: Floats

    def row(self, i: int) -> dict[str, Any]:
        """Return candidate i's figures by name."""
        return dict(zip(self.names, self.values[i].tolist(), strict=True))


def features_of(
    rows: Floats, time_in_market_frac: Floats, regimes: NDArray[np.int64] | None = None
) -> Features:
    """Return the features of return series.

    Parameters
    ----------
    rows : float64 array (n_candidates, n_bars)
        Simple returns, as `series.checked` gives them.
    time_in_market_frac : float64 array (n_candidates,)
        Share of bars with a position.
    regimes : int64 array (n_bars,), optional
        The label known at each bar's close, negative where there is none. A bar's return belongs to the
        label of the bar before; the first bar's to none.

    Notes
    -----
    Series that do not vary have skew 0, kurtosis 3 and autocorrelation 0. Drawdowns start from a peak of
    the initial equity. A candidate's figures do not depend on the others.
    """
    n_bars = rows.shape[1]
    mean = rows.mean(axis=1)
    moves = varies(rows)
    rest = rows - mean[:, None]
    spread = np.where(moves, np.sqrt((rest * rest).mean(axis=1)), 1.0)
    z = rest / spread[:, None]
    found = {
        "mean": mean,
        "volatility": np.where(moves, spread * np.sqrt(n_bars / (n_bars - 1)), 0.0),
        "skew": np.where(moves, (z**3).mean(axis=1), 0.0),
        "kurtosis": np.where(moves, (z**4).mean(axis=1), 3.0),
    }
    found |= dict(zip(QUANTILES, np.quantile(rows, list(QUANTILES.values()), axis=1), strict=True))
    found["autocorrelation"] = np.where(moves, (z[:, 1:] * z[:, :-1]).sum(axis=1) / n_bars, 0.0)
    found |= _drawdowns(rows)
    found["time_in_market_frac"] = np.asarray(time_in_market_frac, dtype=np.float64)
    if regimes is not None:
        before = regimes[:-1]
        for label in np.unique(before[before >= 0]).tolist():
            inside = np.ascontiguousarray(rows[:, 1:][:, before == label])
            found[f"mean_regime_{label}"] = inside.mean(axis=1)
    return Features(tuple(found), np.column_stack(list(found.values())))


def _drawdowns(rows: Floats) -> dict[str, Floats]:
    n_bars = rows.shape[1]
    equity = np.cumprod(1.0 + np.maximum(rows, -1.0), axis=1)
    below = equity / np.maximum(np.maximum.accumulate(equity, axis=1), 1.0) - 1.0
    at = np.arange(1, n_bars + 1)
    last_peak = np.maximum.accumulate(np.where(below < 0, 0, at), axis=1)
    return {
        "max_drawdown_frac": below.min(axis=1),
        "longest_drawdown_frac": (at - last_peak).max(axis=1) / n_bars,
        "under_water_frac": (below < 0).mean(axis=1),
    }
