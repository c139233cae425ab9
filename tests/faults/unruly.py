"""Strategies that do what no strategy should, at some of their points; and bars to do it on."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from admf_ray.components.base import Strategy
from admf_ray.components.tracing import indicator
from admf_ray.engine.conditions import Conditions
from admf_ray.market import Bars, Window
from admf_ray.space.parameters import Param

N_BARS = 160


def walk(n_bars: int = N_BARS, seed: int = 5) -> Bars:
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.02, n_bars)))
    return Bars.from_arrays(close, close * 1.01, close * 0.99, close)


def conditions(**options: object) -> Conditions:
    windows = (Window("full", 0, N_BARS), Window("late", 60, 120))
    return Conditions.of(walk(), windows, **options)


@indicator
def strict_mean(values, n, act):
    if act == 11:
        raise ValueError("not this one")
    while act == 12:
        pass
    out = np.full(len(values), np.nan)
    for t in range(n - 1, len(values)):
        out[t] = values[t - n + 1 : t + 1].mean()
    return out


class Compiled(Strategy):
    """Crosses its mean; `act` says what else it does in the bar 70."""

    n = Param(5, low=2, high=100)
    act = Param(0, low=0, high=20)
    memory = (0.0,)

    def prepare(bars, p):
        return {"close": bars.close, "mean": strict_mean(bars.close, p.n, p.act)}

    def decide(now, p, memory):
        bar = memory[0]
        if p.act == 1.0 and bar == 70.0:
            raise ValueError("enough")
        while p.act == 2.0 and bar >= 70.0:
            bar += 1.0
        return (1.0 if now.close > now.mean else 0.0), (bar + 1.0,)


def hang():
    while True:
        pass


def grow():
    return np.ones(1 << 30)


def fork_and_hold():
    if os.fork() == 0:
        time.sleep(600)


def thread_and_go():
    threading.Thread(target=time.sleep, args=(600,)).start()


def fail():
    raise ValueError("enough")


def interrupt():
    raise KeyboardInterrupt


ACTS = {
    1: fail,
    2: hang,
    3: lambda: os.kill(os.getpid(), signal.SIGKILL),
    4: lambda: print("a word", flush=True),
    5: lambda: os._exit(3),
    6: lambda: ctypes.string_at(0),
    7: grow,
    8: sys.exit,
    9: lambda: time.sleep(600),
    10: fork_and_hold,
    11: thread_and_go,
    12: lambda: os._exit(0),
    13: interrupt,
    14: lambda: os.closerange(3, 256),
}


class Plain(Strategy):
    """Crosses its mean in Python; `act` says what else it does in the bar 70."""

    n = Param(5, low=2, high=100)
    act = Param(0, low=0, high=20)

    def on_bar(self, bar):
        self.seen = getattr(self, "seen", 0) + 1
        if self.seen == 70 and self.act:
            ACTS[self.act]()
        closes = bar.history(self.n).close
        return 1.0 if closes[-1] > closes.mean() else 0.0


class Learner(Strategy):
    """Learns a level; `act` says what else."""

    n = Param(5, low=2, high=100)
    act = Param(0, low=0, high=20)
    fields = ("close", "level")

    def fit(train, p):
        if p.act:
            ACTS[p.act]()
        return SimpleNamespace(level=float(np.mean(train.close)))

    def prepare(bars, p, fitted):
        return {"close": bars.close, "level": np.full(len(bars), fitted.level * (1.0 + p.n / 1_000.0))}

    def decide(now):
        return 1.0 if now.close > now.level else -1.0


class Leaky(Strategy):
    """Keeps some memory of every point that ran in this process."""

    n = Param(5, low=2, high=100)
    act = Param(0, low=0, high=20)
    kept: ClassVar[list] = []

    def on_bar(self, bar):
        if bar.bar % 40 == 0:
            type(self).kept.append(np.ones(1 << 19))
        closes = bar.history(self.n).close
        return 1.0 if closes[-1] > closes.mean() else 0.0
