"""The rule-based classifier: which way the index trends, and how much it moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.regimes.classifier import UNKNOWN, RegimeClassifier
from admf_ray.components.indicators import rolling_std, sma

__all__ = ["TrendVolatility", "fit_trend_volatility"]

Floats = NDArray[np.float64]

TREND_BARS = 200
VOLATILITY_BARS = 20
NAMES = ("up_quiet", "up_wild", "down_quiet", "down_wild")


@dataclass(frozen=True)
class TrendVolatility(RegimeClassifier):
    """Up where the index is not below its moving average, wild where it moves more than it used to.

    Parameters
    ----------
    trend_bars : int
        Length of the index's simple moving average.
    volatility_bars : int
        Number of returns whose standard deviation is the volatility.
    threshold : float
        Volatility of one bar above which the market is wild: its median over the training bars.

    Notes
    -----
    200 bars against which the price is held, without a band: Brock, Lakonishok and LeBaron (1992), "Simple
    technical trading rules and the stochastic properties of stock returns", the rule (1, 200, 0), and Faber
    (2007), "A quantitative approach to tactical asset allocation", in months. Volatility from the returns
    of a month of days, as French, Schwert and Stambaugh (1987), "Expected stock returns and volatility",
    there with the neighbours' covariance. The median is a convention here: it halves the training bars.
    Lengths are bars, whatever their frequency: intraday regimes are short ones.
    """

    trend_bars: int
    volatility_bars: int
    threshold: float

    def _label(self, returns: Floats) -> NDArray[np.int64]:
        level = np.cumprod(1.0 + returns)
        mean = sma(level, self.trend_bars)
        spread = rolling_std(returns, self.volatility_bars)
        label = 2 * (level < mean) + (spread > self.threshold)
        return np.where(np.isfinite(mean), label, UNKNOWN).astype(np.int64)


def fit_trend_volatility(returns: Floats) -> TrendVolatility:
    """Return the classifier whose threshold is the median volatility of an index.

    Parameters
    ----------
    returns : float64 array (n_bars,)
        As `index_returns`, of the training bars.
    """
    spread = rolling_std(returns[1:], VOLATILITY_BARS)
    threshold = float(np.nanmedian(spread))
    return TrendVolatility("trend_volatility", NAMES, TREND_BARS, VOLATILITY_BARS, threshold)
