"""Regimes: labels from the past alone, fitted on training bars alone, the same states after every refit."""

from __future__ import annotations

import dataclasses
import itertools
import pickle

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM

from admf_ray.analysis.regimes import (
    HiddenMarkov,
    TrendVolatility,
    fit_regimes,
    min_train_bars,
    refit_agreement,
    regime_quality,
)
from admf_ray.analysis.regimes.classifier import index_returns
from admf_ray.engine.inputs import benchmark_returns
from admf_ray.errors import DataError
from admf_ray.market import Bars, Window
from admf_ray.market.synthetic import random_walk, regime_switching
from tests.parity.markets import Shape, market

KINDS = ["trend_volatility", "hidden_markov"]
TRAIN = Window("train", 0, 700)


def holed(n_bars=1_000):
    """Three symbols that list late, miss bars and end early."""
    return market(8, Shape(3, holes=True, ends=True), n_bars, daily_volatility=0.01)


def several():
    """Three symbols, each with regimes of its own."""
    parts = [regime_switching(1_000, seed).bars for seed in (3, 13, 23)]
    columns = [np.hstack([getattr(b, c) for b in parts]) for c in ("open", "high", "low", "close")]
    return Bars.from_arrays(*columns)


@pytest.fixture(scope="module")
def markets():
    return {"one": regime_switching(1_000, 3).bars, "many": several(),
            "holed": holed()}  # fmt: skip


@pytest.fixture(scope="module")
def fitted(markets):
    return {(name, kind): fit_regimes(bars, TRAIN, kind) for name, bars in markets.items() for kind in KINDS}


def spliced(bars, other, at):
    """Return the bars before `at`, then those of another market."""
    columns = {c: np.concatenate([getattr(bars, c)[:at], getattr(other, c)[at:]]) for c in
               ("open", "high", "low", "close", "tradable")}  # fmt: skip
    return dataclasses.replace(bars, volume=None, **columns)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["one", "many", "holed"])
def test_33_later_bars_leave_labels_unchanged(markets, fitted, name, kind):
    bars, classifier = markets[name], fitted[name, kind]
    whole = classifier.labels(bars)
    assert whole.dtype == np.int64
    assert whole.shape == (1_000,)
    assert len(set(whole[-600:].tolist())) > 1, "one label all along proves nothing"
    for stop in (*range(195, 215), 333, 500, *range(640, 700, 7), 999):
        assert np.array_equal(classifier.labels(bars.slice(0, stop)), whole[:stop])
    shaken = np.where((np.arange(1_000) >= 600) & (np.arange(1_000) % 2 == 1), 1.1, 1.0)[:, None]
    columns = {c: getattr(bars, c) * shaken for c in ("open", "high", "low", "close")}
    changed = dataclasses.replace(bars, **columns)
    other = classifier.labels(changed)
    assert np.array_equal(other[:600], whole[:600])
    assert not np.array_equal(other[600:], whole[600:])


@pytest.mark.parametrize("kind", KINDS)
def test_33_the_fit_sees_training_bars_alone(markets, fitted, kind):
    bars = markets["one"]
    other = spliced(bars, regime_switching(1_000, 4).bars, 700)
    assert fit_regimes(other, TRAIN, kind) == fitted["one", kind]
    late = Window("late", 300, 1_000)
    assert fit_regimes(other, late, kind) != fit_regimes(bars, late, kind)
    early = spliced(regime_switching(1_000, 4).bars, bars, 300)
    scaled = early.close[299] / bars.close[299]  # the fit must not see the bar before its window either
    assert scaled != 1.0
    assert fit_regimes(early, late, kind) == fit_regimes(bars, late, kind)


def test_a_missing_bar_is_not_looked_up_in_the_future():
    """The benchmark holds a symbol through its holes, which takes knowing that it comes back."""
    bars = holed()
    cut = next(t for t in range(300, 500) if not bars.tradable[t].all() and bars.tradable[t].any())
    whole, part = index_returns(bars), index_returns(bars.slice(0, cut + 1))
    assert np.array_equal(whole[: cut + 1], part)
    even = random_walk(300, 1, n_symbols=3).bars
    np.testing.assert_allclose(index_returns(even), benchmark_returns(even), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("n_states", [2, 3, 4])
def test_filtered_probabilities_are_hmmlearns_posterior_at_the_end_of_each_prefix(n_states):
    bars = regime_switching(900, 5).bars
    classifier = fit_regimes(bars, Window("train", 0, 900), "hidden_markov", n_states)
    returns = index_returns(bars)[1:]
    model = GaussianHMM(n_states, "diag")
    model.startprob_ = np.full(n_states, 1.0 / n_states)
    model.means_ = np.array(classifier.means)[:, None]
    model.covars_ = np.array(classifier.sigmas)[:, None] ** 2
    model.transmat_ = np.array(classifier.transition)
    mine = classifier.probabilities(returns)
    for t in [0, 1, 2, *range(50, 899, 53)]:
        theirs = model.predict_proba(returns[: t + 1, None])[-1]
        np.testing.assert_allclose(mine[t], theirs, rtol=1e-6, atol=1e-9)
    smoothed = model.predict_proba(returns[:, None])
    assert np.abs(mine - smoothed).max() > 0.2, "smoothing would have been seen"
    assert np.array_equal(classifier.labels(bars)[1:], mine.argmax(axis=1))


def test_returns_beyond_any_density_still_have_a_label():
    classifier = HiddenMarkov("hidden_markov", ("up_1", "up_2"), (0.0, 0.0), (1e-4, 1e-3), ((1, 0), (0, 1)))
    found = classifier.probabilities(np.array([0.0, 0.9, -0.9, 0.0]))
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(4))
    assert found[1, 1] == 1.0


@pytest.mark.parametrize(("n_states", "volatilities"), [(2, (0.08, 0.3)), (3, (0.06, 0.16, 0.45))])
def test_another_seed_finds_the_same_states_in_the_same_order(n_states, volatilities):
    bars = regime_switching(
        2_000, 9, annual_drifts=(0.3, 0.1, -0.5)[:n_states], annual_volatilities=volatilities
    ).bars
    train = Window("train", 0, 2_000)
    fits = [fit_regimes(bars, train, "hidden_markov", n_states, seed) for seed in range(3)]
    assert fits[0] == fit_regimes(bars, train, "hidden_markov", n_states, 0)
    assert fits[0] != fits[1], "another seed must start elsewhere"
    labels = [one.labels(bars) for one in fits]
    for one, other in itertools.pairwise(fits):
        assert one.names == other.names
        assert one.sigmas == pytest.approx(other.sigmas, rel=0.02)
    for other in labels[1:]:
        assert (labels[0] == other).mean() > 0.97
    quality = regime_quality(labels[0], n_states)
    assert (quality.balance > 0.05).all()


def test_states_are_ordered_by_trend_then_volatility():
    bars = regime_switching(
        4_000, 2, annual_drifts=(-0.9, 0.9, -0.4, 0.4), annual_volatilities=(0.45, 0.30, 0.07, 0.13),
        mean_run_bars=150.0,
    ).bars  # fmt: skip
    found = fit_regimes(bars, Window("train", 0, 4_000), "hidden_markov", 4)
    keys = [(mean < 0.0, sigma) for mean, sigma in zip(found.means, found.sigmas, strict=True)]
    assert keys == sorted(keys)
    assert found.names == ("up_1", "up_2", "down_1", "down_2")
    assert found.n_regimes == 4
    assert np.array(found.transition).sum(axis=1) == pytest.approx(np.ones(4))
    assert (np.diag(found.transition) > 0.9).all()


def matched(labels, truth, n):
    """Share of labelled bars that are right under the best renaming."""
    known = labels >= 0
    table = np.zeros((n, n))
    np.add.at(table, (labels[known], truth[known]), 1)
    return max(sum(table[i, p[i]] for i in range(n)) for p in itertools.permutations(range(n))) / known.sum()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("n_states", [2, 3])
def test_hidden_regimes_are_recovered_after_training(n_states, seed):
    volatilities = (0.07, 0.30) if n_states == 2 else (0.06, 0.18, 0.50)
    made = regime_switching(
        4_000, seed, annual_drifts=(0.2, 0.0, -0.4)[:n_states], annual_volatilities=volatilities
    )
    classifier = fit_regimes(made.bars, Window("train", 0, 2_500), "hidden_markov", n_states, seed)
    labels, truth = classifier.labels(made.bars)[2_500:], made.truth["label"][2_500:]
    assert matched(labels, truth, n_states) > 0.85


def test_planted_trends_and_volatilities_are_recovered_by_rules():
    made = regime_switching(
        20_000, 1, annual_drifts=(0.6, 0.9, -0.6, -0.9), annual_volatilities=(0.08, 0.25, 0.08, 0.25),
        mean_run_bars=500.0,
    )  # fmt: skip
    classifier = fit_regimes(made.bars, Window("train", 0, 12_000), "trend_volatility")
    assert isinstance(classifier, TrendVolatility)
    assert classifier.names == ("up_quiet", "up_wild", "down_quiet", "down_wild")
    labels, truth = classifier.labels(made.bars)[12_000:], made.truth["label"][12_000:]
    assert (labels // 2 == truth // 2).mean() > 0.75, "the average lags behind each change"
    assert (labels % 2 == truth % 2).mean() > 0.85
    assert (labels == truth).mean() > 0.6, "chance is 0.25"


@pytest.mark.parametrize("kind", KINDS)
def test_classifiers_are_frozen_and_travel(markets, fitted, kind):
    classifier, bars = fitted["many", kind], markets["many"]
    copy = pickle.loads(pickle.dumps(classifier))
    assert copy == classifier
    assert np.array_equal(copy.labels(bars), classifier.labels(bars))
    with pytest.raises(dataclasses.FrozenInstanceError):
        classifier.names = ()
    with pytest.raises(ValueError, match="read-only"):
        classifier.labels(bars)[0] = 0


def test_labels_begin_where_history_suffices(markets, fitted):
    bars = markets["one"]
    rules = fitted["one", "trend_volatility"].labels(bars)
    assert (rules[:199] == -1).all()
    assert (rules[199:] >= 0).all()
    hidden = fitted["one", "hidden_markov"].labels(bars)
    assert hidden[0] == -1
    assert (hidden[1:] >= 0).all()
    assert (fitted["one", "trend_volatility"].labels(bars.slice(0, 50)) == -1).all()


@pytest.mark.parametrize(("kind", "n_states", "needed"), [
    ("trend_volatility", 2, 250), ("hidden_markov", 2, 200), ("hidden_markov", 6, 600),
])  # fmt: skip
def test_too_few_training_bars_are_refused(markets, kind, n_states, needed):
    assert min_train_bars(kind, n_states) == needed
    fit_regimes(markets["one"], Window("t", 100, 100 + needed), kind, n_states)
    with pytest.raises(DataError, match=f"needs {needed} training bars, found {needed - 1} in window 't'"):
        fit_regimes(markets["one"], Window("t", 100, 99 + needed), kind, n_states)


@pytest.mark.parametrize("kind", KINDS)
def test_prices_that_do_not_move_are_refused(kind):
    flat = np.full(500, 10.0)
    with pytest.raises(DataError, match="needs prices that move"):
        fit_regimes(Bars.from_arrays(flat, flat, flat, flat), Window("full", 0, 500), kind)


def test_quality_by_hand():
    labels = np.array([-1, -1, 0, 0, 0, 1, 1, 0, -1, 1])
    got = regime_quality(labels, 3)
    assert got.balance == pytest.approx([4 / 7, 3 / 7, 0.0])
    assert got.mean_run_bars == pytest.approx([2.0, 1.5, np.nan], nan_ok=True)
    assert got.self_transition == pytest.approx([2 / 3, 1 / 2, np.nan], nan_ok=True)
    assert got.unknown_frac == pytest.approx(0.3)


def test_halves_agree_where_there_are_regimes_and_not_where_there_are_none():
    train = Window("train", 0, 3_000)
    made = regime_switching(3_000, 4, annual_drifts=(0.3, -0.5), annual_volatilities=(0.07, 0.3))
    clear = refit_agreement(made.bars, train, "hidden_markov")
    noise = refit_agreement(random_walk(3_000, 4).bars, train, "hidden_markov")
    assert clear > 0.9
    assert noise < 0.5
    assert refit_agreement(made.bars, train, "trend_volatility") > 0.5
    assert np.isnan(refit_agreement(made.bars, Window("short", 0, 399), "hidden_markov"))
