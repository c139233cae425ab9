"""Strategies that leave something behind, each in another way; and one that does not."""

import functools

import numpy as np

from admf_ray import Param, Strategy, register

SEEN = {}
RANDOM = np.random.default_rng(1)
BUFFER = np.zeros(8)


class Base(Strategy):
    """Long or flat, by the day and something else."""

    every_bars = Param(3, low=2, high=60)

    def weight(self, bar, other):
        return 1.0 if (bar.bar // self.every_bars + int(other)) % 2 else 0.0


@register("leaks_class")
class LeaksClass(Base):
    """Counts in a class attribute."""

    count = [0]  # noqa: RUF012 - the leak

    def on_bar(self, bar):
        self.count[0] += 1
        return self.weight(bar, self.count[0] // 40)


@register("leaks_global")
class LeaksGlobal(Base):
    """Remembers in a module's dict."""

    def on_bar(self, bar):
        SEEN[bar.bar, self.every_bars] = SEEN.get((bar.bar, self.every_bars), len(SEEN) // 7)
        return self.weight(bar, SEEN[bar.bar, self.every_bars])


@register("leaks_default")
class LeaksDefault(Base):
    """Remembers in a mutable default."""

    def on_bar(self, bar, history=[]):  # noqa: B006
        history.append(bar.bar)
        return self.weight(bar, len(history) // 11)


@register("leaks_random")
class LeaksRandom(Base):
    """Draws from one generator for all."""

    def on_bar(self, bar):
        return self.weight(bar, RANDOM.integers(2))


@functools.cache
def cached_table():
    return BUFFER


@register("leaks_array")
class LeaksArray(Base):
    """Writes to an array that is cached."""

    def on_bar(self, bar):
        table = cached_table()
        table[bar.bar % 8] += 1
        return self.weight(bar, table.sum() // 13)


@register("leaks_nothing")
class LeaksNothing(Base):
    """Remembers in its own instance, and memoises what is always the same."""

    def on_bar(self, bar):
        cached_table()
        self.mine = [*getattr(self, "mine", []), bar.bar]
        return self.weight(bar, len(self.mine) // 5)
