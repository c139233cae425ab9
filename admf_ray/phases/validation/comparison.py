"""In and out of sample: each figure beside what training's neighbourhood would lead one to expect."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import interval
from admf_ray.analysis.overfitting.excess import shape
from admf_ray.phases.validation.exam import Hall
from admf_ray.phases.validation.regimes import regime_sharpes

__all__ = ["compared", "percentile_of"]

Floats = NDArray[np.float64]
QUARTERLY = ("sharpe", "total_return", "volatility", "max_drawdown")
WHOLE = (
    "sharpe", "annual_return", "volatility", "max_drawdown", "exposure", "mean_exposure", "win_rate",
    "profit_factor", "matched_excess_sharpe",
)  # fmt: skip


def compared(
    trained: dict[str, Any],
    tested: dict[str, Any],
    halls: tuple[Hall, Hall],
    names: tuple[str, ...],
    seed: int,
) -> list[dict[str, Any]]:
    """Return one row per figure: in sample, out of sample, and where the latter would fall.

    Parameters
    ----------
    trained, tested : dict
        Answers of `examine`.
    halls : tuple of Hall
        Of training and test.
    names : tuple of str
        Of the regimes.
    seed : int

    Returns
    -------
    list of dict
        ``figure``, ``training``, ``test``, ``degradation``, ``low``, ``high`` (95 % bootstrap interval of
        the test figure, where it is one of returns), ``expected_low``, ``expected`` and ``expected_high``
        (5th, 50th, 95th percentile of the training distribution), ``percentile`` and ``n_expected``.

    Notes
    -----
    Two horizons. ``quarter.*`` compares the median test quarter with all training quarters of the point and
    its neighbours, so a quarter stands beside quarters. The others compare the whole test period with the
    neighbours' whole training spans. The last rows are a Kolmogorov-Smirnov test that both periods' returns
    are of one distribution (its ``percentile`` is the p-value), which dependent returns make too eager.
    """
    rows = []
    for name in QUARTERLY:
        expected = _quarters(trained["neighbours"], name)
        rows.append(
            _row(
                f"quarter.{name}",
                float(np.median(_quarters(trained["neighbours"][:1], name))),
                float(np.median(_quarters(tested["neighbours"][:1], name))),
                expected,
            )
        )
    for name in WHOLE:
        near = np.array([one["metrics"][name] for one in trained["neighbours"]])
        rows.append(_row(name, trained["metrics"][name], tested["metrics"][name], near))
    returns = np.array(tested["returns"])
    root = np.sqrt(halls[1].bars.bars_per_year)
    found = interval(returns, lambda own: shape(own).sharpe * root, seed=seed)
    rows[len(QUARTERLY)] |= {"low": found.low, "high": found.high}
    for k, name in enumerate((*names, "unknown") if halls[0].labels is not None else ()):
        both = [
            float(regime_sharpes(one, hall)[k]) for one, hall in zip((trained, tested), halls, strict=True)
        ]
        rows.append(_row(f"sharpe@{name}", both[0], both[1], np.empty(0)))
    rows.append(_kolmogorov(np.array(trained["returns"]), returns))
    return rows


def percentile_of(value: float, expected: Floats) -> float:
    """Return the share of a distribution below a value, ties by half; NaN without either.

    Examples
    --------
    >>> percentile_of(2.0, np.array([1.0, 2.0, 3.0, 4.0]))
    0.375
    """
    known = expected[np.isfinite(expected)]
    if not known.size or np.isnan(value):
        return float("nan")
    return float(((known < value).sum() + 0.5 * (known == value).sum()) / known.size)


def _quarters(neighbours: list[dict[str, Any]], name: str) -> Floats:
    return np.array([quarter[name] for one in neighbours for quarter in one["quarters"]])


def _row(name: str, training: float, test: float, expected: Floats) -> dict[str, Any]:
    known = expected[np.isfinite(expected)]
    low, middle, high = np.percentile(known, [5, 50, 95]) if known.size else (np.nan,) * 3
    return {
        "figure": name,
        "training": training,
        "test": test,
        "degradation": 1.0 - test / training if training > 0 else float("nan"),
        "low": float("nan"),
        "high": float("nan"),
        "expected_low": float(low),
        "expected": float(middle),
        "expected_high": float(high),
        "percentile": percentile_of(test, expected),
        "n_expected": int(known.size),
    }


def _kolmogorov(training: Floats, test: Floats) -> dict[str, Any]:
    from scipy.stats import ks_2samp  # half a second, needed once a run

    found = ks_2samp(training, test, method="asymp")
    row = _row("returns.kolmogorov_smirnov", float("nan"), float(found.statistic), np.empty(0))
    return row | {"percentile": float(found.pvalue)}
