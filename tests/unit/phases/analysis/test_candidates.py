"""Which points are looked at one by one."""

from types import SimpleNamespace

import numpy as np

from admf_ray.phases.analysis.candidates import choose


def subject(random, n, best=0.0):
    """A strategy of `n` points, scored in two ways, of which every fifth never trades."""
    score, other, fills = random.normal(best, 1, n), random.normal(0, 1, n), np.arange(n) % 5 > 0
    searched = SimpleNamespace(
        n_points=n, robust=lambda _: SimpleNamespace(robust_score=score), scores=lambda _: other,
        figure=lambda *_: fills * 1.0,
    )  # fmt: skip
    sums = random.normal(0, 0.01, (n, 16, 2))
    sums[2::10] = sums[1::10]  # the same returns as the point before
    return SimpleNamespace(searched=searched, ok=np.arange(n)[n // 10 :], sums=sums[n // 10 :])


def test_the_best_and_some_of_each_and_what_windows_chose_and_what_differs():
    random = np.random.default_rng(7)
    subjects = [subject(random, 300), subject(random, 400), subject(random, 200, best=-9.0)]
    windows = [(0, 153), (1, 323), (1, 323), (2, 157), (0, 3)]  # the last failed
    found = choose(subjects, "robust_score", 40, windows)
    assert len(found) == len(set(found)) == 40
    assert {(0, 3)} == set(windows) - set(found)
    score = {
        (k, i): one.searched.robust("full").robust_score[i] for k, one in enumerate(subjects) for i in one.ok
    }
    assert [score[at] for at in found] == sorted((score[at] for at in found), reverse=True)
    assert all(i % 5 for _, i in found)
    profiles = [tuple(subjects[k].sums[i - subjects[k].ok[0], :, 0]) for k, i in found]
    assert len(set(profiles)) == 40
    alive = sorted((at for at in score if at[1] % 5), key=lambda at: -score[at])
    last = [at for at in alive if at[0] == 2]
    assert set(last[:3]) <= set(found)
    assert len(set(alive[:24]) & set(found)) >= 20  # all but twins of others
    ranks = {at: rank for rank, at in enumerate(alive)}
    assert sum(30 < ranks[at] < 200 for at in found) >= 5  # of the best quarter, for being different
    assert choose(subjects, "objective", 40, windows) != found


def test_nothing_that_trades_is_no_candidate():
    idle = subject(np.random.default_rng(1), 50)
    idle.searched.figure = lambda *_: np.zeros(50)
    assert choose([idle], "robust_score", 5, []) == []
