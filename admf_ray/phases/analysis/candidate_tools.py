"""The tools that look at candidates one by one: clusters of their returns, and market regimes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.clustering import (
    Cluster,
    analyse_cluster,
    compare_clusters,
    return_distribution_clustering,
)
from admf_ray.analysis.clustering.one import DUPLICATE
from admf_ray.analysis.clustering.series import correlations
from admf_ray.analysis.regimes import refit_agreement, regime_quality
from admf_ray.analysis.regimes.stability import at_transitions, best_share, trades_by_regime, worst_regime
from admf_ray.analysis.robustness import as_scores, best_first, robust_score
from admf_ray.engine.container import ScopedContainer
from admf_ray.phases.analysis.candidates import Candidate
from admf_ray.phases.analysis.tables import WHOLE, Found, as_table
from admf_ray.phases.mined import Mined, Searched
from admf_ray.phases.search import Search
from admf_ray.space.parameters import parameters_text

__all__ = ["clusters", "regimes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def clusters(candidates: Sequence[Candidate], search: Search, seed: int) -> Found:
    """Run `return_distribution_clustering`; each cluster is analysed in a container of its own."""
    if len(candidates) < 2:
        remark = f"return_distribution_clustering: needs two candidates that trade, found {len(candidates)}"
        return Found(remarks=[f"{remark}; left out"])
    returns = np.stack([one.returns for one in candidates])
    held = np.array([one.figure("exposure") for one in candidates])
    labels = _labels(search)
    told = return_distribution_clustering(returns, held, labels, seed=seed)
    kinds, groups = (
        [
            _in_container(k, np.flatnonzero(of.labels == k), returns, held, search.bars.bars_per_year, labels)
            for k in range(of.n_groups)
        ]
        for of in (told.by_features, told.by_correlation)
    )
    medoids = {one.representative for one in (*kinds, *groups)}
    beside = compare_clusters(groups)
    alike = (correlations(returns) >= DUPLICATE).sum(axis=1) - 1
    rows = [
        {
            **one.key,
            **{name: value for name, value in row.items() if name != "candidate"},
            "representative": i in medoids,
            "near_duplicates": int(alike[i]),
            "complement": beside.complement[row["correlation_cluster"]],
        }
        for i, (one, row) in enumerate(zip(candidates, told.rows(), strict=True))
    ]
    facts: dict[str, Any] = {
        "candidates": len(candidates),
        "distinct": told.n_distinct,
        "by_features": _grouping(told.by_features),
        "by_correlation": _grouping(told.by_correlation),
        "clusters": _named(kinds, candidates),
        "correlation_clusters": _named(groups, candidates),
        "pairs": beside.rows() if len(groups) > 1 else [],
    }
    return Found({"clusters": as_table(rows)}, {"clusters": facts})


def _named(each: Sequence[Cluster], candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    return [{**one.row(), "representative": candidates[one.representative].name} for one in each]


def _grouping(one: Any) -> dict[str, Any]:
    return {
        "groups": one.n_groups, "strength": one.strength, "silhouette": one.silhouette, "scores": one.rows(),
    }  # fmt: skip


def _in_container(
    k: int, members: Ints, returns: Floats, held: Floats, bars_per_year: float, labels: Ints | None
) -> Cluster:
    with ScopedContainer(f"cluster_{k}") as box:
        box.register_shared_service("returns", returns[members])
        box.register_shared_service("held", held[members])
        box.initialize_scope()

        def drive(scope: ScopedContainer) -> Cluster:
            own, there = scope.get("returns"), scope.get("held")
            return analyse_cluster(k, members, own, there, bars_per_year, labels)

        box.run(drive)
        found: Cluster = box.collect()
        return found


def _labels(search: Search) -> Ints | None:
    """Return the regime known at each close of the training span."""
    labels = search.conditions.labels
    return None if labels is None else labels[search.span.start : search.span.stop]


def regimes(mined: Mined, candidates: Sequence[Candidate], search: Search, seed: int) -> Found:
    """Run `regime_stability_analysis`: candidates, the best of each strategy, the classifier itself."""
    classifier, labels = search.classifier, _labels(search)
    if classifier is None or labels is None:
        return Found(remarks=["regime_stability_analysis: no regimes were classified; left out"])
    names = classifier.names
    counts = np.array(mined.searched[0].figures.context.regime_bars)
    rows = [row for one in _by_regime(candidates, names, counts, labels) for row in one]
    for one in mined.searched:
        rows += _best(one, mined, names, counts)
    quality = regime_quality(labels, classifier.n_regimes)
    settings = search.config.phase_1_mining.regimes
    assert settings.kind is not None
    agreement = refit_agreement(search.bars, search.span, settings.kind, settings.n_states, seed)
    tops = {name: [row for row in rows if row["kind"] == "best" and row["regime"] == name] for name in names}
    rows += [
        {
            "kind": "classifier", "point_id": WHOLE, "regime": name, "bars": int(counts[k]),
            "balance": float(quality.balance[k]), "mean_run_bars": float(quality.mean_run_bars[k]),
            "self_transition": float(quality.self_transition[k]), "agreement": agreement,
        }
        for k, name in enumerate(names)
    ]  # fmt: skip
    facts = {
        "classifier": classifier.kind,
        "agreement": agreement,
        "unknown_frac": quality.unknown_frac,
        "regimes": [
            {
                "regime": name,
                "bars": int(counts[k]),
                "balance": float(quality.balance[k]),
                "mean_run_bars": float(quality.mean_run_bars[k]),
                "self_transition": float(quality.self_transition[k]),
                "best": max(tops[name], key=lambda row: np.nan_to_num(row["robust_sharpe"], nan=-np.inf)),
            }
            for k, name in enumerate(names)
        ],
    }
    return Found({"regimes": as_table(rows)}, {"regimes": facts})


def _by_regime(
    candidates: Sequence[Candidate], names: Sequence[str], counts: Ints, labels: Ints
) -> list[list[dict[str, Any]]]:
    if not candidates:
        return []
    every = (*names, "unknown")

    def table(figure: str) -> Floats:
        return np.array([[one.figure(f"{figure}@{name}") for name in every] for one in candidates])

    sharpe, pnl, exposed = table("sharpe"), table("pnl"), table("exposed_bars")
    worst, where = worst_regime(sharpe[:, :-1], counts[:-1])
    share = best_share(pnl)
    moved = at_transitions(np.stack([one.returns for one in candidates], axis=1), labels)
    out = []
    for i, one in enumerate(candidates):
        trades = _trades(one, labels, len(names))
        shared = {
            "worst_sharpe": float(worst[i]),
            "worst_regime": names[int(where[i])] if where[i] >= 0 else "",
            "best_share": float(share[i]),
            "after_change": float(moved.after[i]),
            "elsewhere": float(moved.elsewhere[i]),
            "trades_across": trades[2],
            "pnl_across": trades[3],
        }
        out.append(
            [
                {
                    "kind": "candidate",
                    **one.key,
                    "regime": name,
                    "bars": int(counts[k]),
                    "sharpe": float(sharpe[i, k]),
                    "pnl": float(pnl[i, k]),
                    "exposed_frac": float(exposed[i, k] / counts[k]) if counts[k] else float("nan"),
                    "trades": int(trades[0][k]),
                    "trades_pnl": float(trades[1][k]),
                    **shared,
                }
                for k, name in enumerate(every)
            ]
        )
    return out


def _trades(one: Candidate, labels: Ints, n_regimes: int) -> tuple[Ints, Floats, int, float]:
    trades = one.result.trades
    start = one.result.window.start
    entries = np.array([trade.entry_bar - start for trade in trades], dtype=np.int64)
    exits = np.array(
        [trade.exit_bar - start if trade.exit_bar >= 0 else -1 for trade in trades], dtype=np.int64
    )
    return trades_by_regime(entries, exits, np.array([trade.pnl for trade in trades]), labels, n_regimes)


def _best(one: Searched, mined: Mined, names: Sequence[str], counts: Ints) -> list[dict[str, Any]]:
    """Return a strategy's best point in each regime, by the robust score of its Sharpe ratio there."""
    rows = []
    for k, name in enumerate(names):
        columns = one.figures.columns([f"sharpe@{name}", f"exposed_bars@{name}", f"pnl@{name}"], "full")
        sharpe, exposed, pnl = columns.values()
        scores = as_scores(sharpe, exposed)
        near = (
            one.points.index if mined.neighborhood else (lambda a, b: np.empty((max(b - a, 0), 0), np.int64))
        )
        robust = robust_score(scores[:, None], near, one.n_points)[:, 0]
        i = int(best_first(robust)[0])
        given = parameters_text(one.parameters(i))
        rows.append(
            {
                "kind": "best", "point_id": int(one.figures.ids[i]), "strategy": one.stack.strategy.label(),
                "source": "grid", "parameters": given, "regime": name, "bars": int(counts[k]),
                "sharpe": float(sharpe[i]), "robust_sharpe": float(robust[i]), "pnl": float(pnl[i]),
                "exposed_frac": float(exposed[i] / counts[k]) if counts[k] else float("nan"),
            }
        )  # fmt: skip
    return rows
