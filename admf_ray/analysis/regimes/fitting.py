"""Fitting a regime classifier on training bars."""

from __future__ import annotations

from typing import Literal

import numpy as np

from admf_ray.analysis.regimes.classifier import RegimeClassifier, index_returns
from admf_ray.analysis.regimes.hidden_markov import fit_hidden_markov
from admf_ray.analysis.regimes.trend_volatility import TREND_BARS, fit_trend_volatility
from admf_ray.errors import DataError
from admf_ray.market import Bars, Window

__all__ = ["Kind", "fit_regimes", "min_train_bars"]

Kind = Literal["trend_volatility", "hidden_markov"]

# Fewer than this many bars a state, and states are fitted to single weeks.
BARS_A_STATE = 100


def min_train_bars(kind: Kind, n_states: int) -> int:
    """Return how many training bars a classifier needs."""
    return TREND_BARS + 50 if kind == "trend_volatility" else BARS_A_STATE * n_states


def fit_regimes(bars: Bars, train: Window, kind: Kind, n_states: int = 2, seed: int = 0) -> RegimeClassifier:
    """Fit a classifier on the bars of `train`, and on no other.

    Parameters
    ----------
    bars : Bars
    train : Window
    kind : {"trend_volatility", "hidden_markov"}
    n_states : int
        Of the hidden Markov model; the rules always know four.
    seed : int
        Of the hidden Markov model's starts.

    Raises
    ------
    DataError
        Too few training bars, or prices that do not move.
    """
    needed = min_train_bars(kind, n_states)
    hint = "give more training data or set regimes.classifier: none"
    if train.n_bars < needed:
        states = f" of {n_states} states" if kind == "hidden_markov" else ""
        raise DataError(
            f"regimes: {kind}{states} needs {needed} training bars, found {train.n_bars} in window "
            f"'{train.name}'; {hint}"
        )
    returns = index_returns(bars.slice(train.start, train.stop))
    if not np.ptp(returns[1:]) > 0.0:
        raise DataError(
            f"regimes: {kind} needs prices that move, found equal returns in window '{train.name}'; {hint}"
        )
    if kind == "trend_volatility":
        return fit_trend_volatility(returns)
    return fit_hidden_markov(returns, n_states, seed)
