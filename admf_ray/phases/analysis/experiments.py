"""Experiments: is a strategy better with a modification, out of sample, than without."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.clustering.one import sharpe_of
from admf_ray.analysis.conclusion import LEVEL, Conclusion, conclude, p_told
from admf_ray.analysis.overfitting.excess import held_through, matched_excess
from admf_ray.analysis.sharpe_difference import SharpeDifference, required_bars, sharpe_difference
from admf_ray.config.analysis import ExperimentConfig
from admf_ray.phases.mined import Mined
from admf_ray.phases.search import Search
from admf_ray.phases.walk import Walked, walk
from admf_ray.space.parameters import parameters_text

__all__ = ["Compared", "Experiment", "compare", "of_one"]

Floats = NDArray[np.float64]
POWER = 0.8
SHORT = 20  # bars of a regime below which nothing is said of it


@dataclass(frozen=True)
class Compared:
    """Baseline and variant over the same out-of-sample bars, before the family is known.

    Attributes
    ----------
    experiment : ExperimentConfig
    baseline, variant : Mined
        Each selects among its own points.
    curves : tuple of Walked or None
        Of baseline and variant; None without walk-forward windows.
    skill, raw : SharpeDifference or None
        Of exposure-matched excess, which decides, and of the returns as they are.
    fills : float
        Executions of the variant in its test windows.
    """

    experiment: ExperimentConfig
    baseline: Mined
    variant: Mined
    curves: tuple[Walked, Walked] | None
    skill: SharpeDifference | None
    raw: SharpeDifference | None
    fills: float

    @property
    def p_values(self) -> tuple[float, float]:
        """One-sided p-values of better and worse; 1 for what could not be tested."""
        if self.skill is None or self.fills == 0:
            return 1.0, 1.0
        return self.skill.p_better, self.skill.p_worse


def compare(
    experiment: ExperimentConfig, baseline: Mined, variant: Mined, search: Search, seed: int
) -> Compared:
    """Select within every training window, stitch what follows, and compare.

    Parameters
    ----------
    experiment : ExperimentConfig
    baseline, variant : Mined
        Of one strategy each.
    search : Search
    seed : int

    Notes
    -----
    The primary endpoint is the difference of Sharpe ratios of the stitched out-of-sample returns less mean
    exposure times buy and hold, each curve with its own mean exposure: on a drifting market a variant that
    is merely longer would otherwise improve.
    """
    one, other = walk(baseline), walk(variant)
    if one is None or other is None:
        return Compared(experiment, baseline, variant, None, None, None, _total(variant, "fills"))
    benchmark = _benchmark(one, search)
    skills = [matched_excess(own.returns, float(own.exposure.mean()), benchmark) for own in (other, one)]
    return Compared(
        experiment,
        baseline,
        variant,
        (one, other),
        sharpe_difference(skills[0], skills[1], seed=seed),
        sharpe_difference(other.returns, one.returns, seed=seed),
        _total(variant, "fills"),
    )


def _benchmark(walked: Walked, search: Search) -> Floats:
    """Return the buy-and-hold return of each bar of the curve, 0 where an account has just been opened."""
    opened = {fold.test.start for fold in search.folds}
    whole = search.conditions.market.benchmark
    return np.concatenate(
        [
            held_through(whole, piece.start, piece.stop)
            if piece.start in opened
            else whole[piece.start : piece.stop]
            for piece in walked.pieces
        ]
    )


def _total(mined: Mined, metric: str) -> float:
    """Return a figure summed over the test windows of what each training window chose."""
    return float(
        sum(
            np.nan_to_num(mined.value(at, fold.test.name, metric))
            for at, fold in zip(mined.chosen, mined.folds, strict=True)
        )
    )


@dataclass(frozen=True)
class Experiment:
    """What an experiment says, counting all hypotheses of the run.

    Attributes
    ----------
    compared : Compared
    hash, recorded : str
    p_better, p_worse : float
        After Holm's correction.
    family : int
        Hypotheses the run ever recorded.
    search : Search
    """

    compared: Compared
    hash: str
    recorded: str
    p_better: float
    p_worse: float
    family: int
    search: Search

    @property
    def name(self) -> str:
        """The hypothesis's name."""
        return self.compared.experiment.name

    @property
    def conclusion(self) -> Conclusion:
        """The word that follows from the numbers."""
        return conclude(self.compared.fills, self.p_better, self.p_worse)

    def row(self) -> dict[str, Any]:
        """Return the row of the table ``experiments``."""
        return dict(self._row)

    @cached_property
    def _row(self) -> dict[str, Any]:
        own, year = self.compared, self.search.bars.bars_per_year
        root = math.sqrt(year)
        row: dict[str, Any] = {
            "hypothesis": self.name,
            "hash": self.hash,
            "recorded": self.recorded,
            "strategy": own.experiment.base_strategy,
            "conclusion": self.conclusion,
            "family": self.family,
            "holm_better": self.p_better,
            "holm_worse": self.p_worse,
            "variant_fills": own.fills,
            "baseline_points": own.baseline.n_points,
            "variant_points": own.variant.n_points,
            "bars": 0,
        }
        if own.skill is None or own.raw is None or own.curves is None:
            return row
        for prefix, found in (("", own.skill), ("raw_", own.raw)):
            row |= {f"{prefix}{k}": getattr(found, k) * root for k in ("effect", "error", "low", "high")}
            row |= {f"{prefix}{k}": getattr(found, k) for k in ("p_better", "p_worse")}
        row["bars"] = own.skill.n_bars
        row["required_years"] = required_bars(own.skill, level=LEVEL / self.family, power=POWER) / year
        for side, curve, mined in zip(
            ("baseline", "variant"), own.curves, (own.baseline, own.variant), strict=True
        ):
            skill = matched_excess(
                curve.returns, float(curve.exposure.mean()), _benchmark(curve, self.search)
            )
            row |= {
                f"{side}_sharpe": sharpe_of(curve.returns, year),
                f"{side}_skill": sharpe_of(skill, year),
                f"{side}_return": curve.stitched_return,
                f"{side}_drawdown": _drawdown(curve.returns),
                f"{side}_exposure": float(curve.exposure.mean()),
                f"{side}_trades": _total(mined, "trades"),
                f"{side}_costs_frac": _total(mined, "costs") / _cash(mined),
            }
        row["cost_effect_frac"] = row["variant_costs_frac"] - row["baseline_costs_frac"]
        return row

    def window_rows(self) -> list[dict[str, Any]]:
        """Return rows of the table ``experiment_windows``."""
        own = self.compared
        rows = []
        for k, fold in enumerate(own.baseline.folds):
            row: dict[str, Any] = {"hypothesis": self.name, "window": fold.test.name}
            for side, mined in (("baseline", own.baseline), ("variant", own.variant)):
                at = mined.chosen[k]
                named = mined.named(at)["parameters"]
                row |= {
                    f"{side}_return": mined.value(at, fold.test.name, "total_return"),
                    f"{side}_sharpe": mined.value(at, fold.test.name, "sharpe"),
                    f"{side}_trades": mined.value(at, fold.test.name, "trades"),
                    f"{side}_parameters": parameters_text(named),
                }
            row["difference"] = row["variant_return"] - row["baseline_return"]
            rows.append(row)
        return rows

    def regime_rows(self) -> list[dict[str, Any]]:
        """Return rows of the table ``experiment_regimes``: a bar belongs to the label known before it."""
        own, classifier = self.compared, self.search.classifier
        labels = self.search.conditions.labels
        if own.curves is None or classifier is None or labels is None:
            return []
        bars = np.concatenate([np.arange(piece.start, piece.stop) for piece in own.curves[0].pieces])
        before = labels[np.maximum(bars - 1, 0)]
        rows = []
        for k, name in enumerate(classifier.names):
            inside = before == k
            row: dict[str, Any] = {"hypothesis": self.name, "regime": name, "bars": int(inside.sum())}
            for side, curve in zip(("baseline", "variant"), own.curves, strict=True):
                part = curve.returns[inside]
                row[f"{side}_sharpe"] = (
                    sharpe_of(part, self.search.bars.bars_per_year) if part.size > 2 else math.nan
                )
                row[f"{side}_return"] = float(np.prod(1.0 + part) - 1.0)
            row["difference"] = row["variant_return"] - row["baseline_return"]
            rows.append(row)
        return rows

    def detail(self) -> str:
        """Return where the effect lies: windows, regimes, costs, in one sentence; empty where untested."""
        if self.compared.skill is None:
            return ""
        row, windows = self.row(), self.window_rows()
        better = sum(one["difference"] > 0 for one in windows)
        parts = [f"higher return in {better} of {len(windows)} windows"]
        parts += [
            f"{one['regime']} {one['difference']:+.1%}" for one in self.regime_rows() if one["bars"] >= SHORT
        ]
        return (
            f"{'; '.join(parts[:1])}; by regime {', '.join(parts[1:]) or 'nothing'}; costs "
            f"{row['variant_costs_frac']:.1%} of the cash with it, {row['baseline_costs_frac']:.1%} without; "
            f"raw Sharpe {row['variant_sharpe']:.2f} with, {row['baseline_sharpe']:.2f} without"
        )

    def sentence(self) -> str:
        """Return the conclusion in one sentence."""
        row, base = self.row(), self.compared.experiment.base_strategy
        if self.conclusion == "no trades":
            return f"{self.name}: no trades; {base} never trades with it in the test windows"
        if self.compared.skill is None:
            return f"{self.name}: no evidence; there are no walk-forward windows to test it in"
        words = {
            "improves": f"improves {base}",
            "harms": f"harms {base}",
            "no evidence": f"no evidence that it helps or harms {base}",
        }
        if self.compared.skill.error == 0.0:
            return f"{self.name}: {words[self.conclusion]}: it changed nothing out of sample"
        side = "better" if row["effect"] >= 0 else "worse"
        p = self.p_better if row["effect"] >= 0 else self.p_worse
        many = "1 hypothesis" if self.family == 1 else f"{self.family} hypotheses"
        said = (
            f"{self.name}: {words[self.conclusion]}: skill (Sharpe beyond exposure) "
            f"{row['variant_skill']:.2f} with it, {row['baseline_skill']:.2f} without, difference "
            f"{row['effect']:+.2f} (95 %: {row['low']:+.2f} to {row['high']:+.2f}), "
            f"p(not {side}) {p_told(p)} over {many}"
        )
        if self.conclusion in ("improves", "harms"):
            return said
        have = row["bars"] / self.search.bars.bars_per_year
        return (
            f"{said}; to find an effect of that size takes about {row['required_years']:,.0f} years of test "
            f"bars, here are {have:.1f}"
        )


def _drawdown(returns: Floats) -> float:
    curve = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return float((curve / np.maximum.accumulate(curve) - 1.0).min())


def _cash(mined: Mined) -> float:
    one = mined.searched[0]
    return float(one.stack.part_values(one.row(0))[-1].initial_cash)


def of_one(mined: Mined, strategy: str) -> Mined:
    """Return phase 1 as if only this strategy had been searched."""
    return replace(
        mined, searched=tuple(one for one in mined.searched if one.stack.strategy.label() == strategy)
    )
