"""What README's quickstart spends its time on: with an empty compile cache, with a full one, and once more.

Run ``python benchmarks/quickstart.py``. Each run is a process of its own. Compilation is what the first takes
more than the second. A process of Ray's costs its own start, the imports and the loading of compiled code
before it does anything; that is measured on processes whose work is one backtest of 1,000 bars, and counted
once for each process that a run starts, shared by the cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

PIPELINE = Path(__file__).parent.parent / "configs" / "quickstart.yaml"
CORES = os.cpu_count() or 1
IMPORTS, RAY, WORK = "imports", "Ray's start and end", "the driver's own work"
WAITING, STARTS = "waiting for processes", "of that their start"
ALONE, SEARCHES = "a process each", "searches"


class Watch:
    """Adds up the wall time and the calls of some functions."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()

    def over(self, home: Any, name: str, label: str) -> None:
        """Measure a function of a module from now on."""
        own = getattr(home, name)

        def timed(*args: Any, **options: Any) -> Any:
            begin = time.perf_counter()
            try:
                return own(*args, **options)
            finally:
                self.spent_s[label] += time.perf_counter() - begin
                self.calls[label] += 1

        setattr(home, name, timed)


def one_backtest(argument: Any, bars: Any) -> float:
    """Run a backtest, compiled and replayed; return the CPU seconds of this process since its start."""
    from admf_ray.components import library  # noqa: F401
    from admf_ray.components.registry import find
    from admf_ray.engine.replay import Replay
    from admf_ray.engine.stack import Stack
    from admf_ray.engine.sweep import sweep
    from admf_ray.market import Window

    stack, window = Stack(find("ma_crossover")), Window("full", 0, bars.n_bars)
    sweep(bars, stack, stack.vector()[None], [window])
    Replay(bars, stack, stack.vector(), window).run()
    return time.process_time()


def process_s() -> float:
    """Return the CPU seconds of a process of Ray's that runs one backtest."""
    from admf_ray.cluster.session import session
    from admf_ray.cluster.suite import Call, run_suite
    from admf_ray.market.synthetic import random_walk

    with session("local", CORES) as here:
        calls = [Call(str(k), one_backtest, None) for k in range(3 * CORES)]
        found = list(run_suite(calls, random_walk(1_000, 1).bars, here).values())
    return sum(found[CORES:]) / len(found[CORES:])  # the first ones may compile


def measured(out: str) -> dict[str, float]:
    """Run the quickstart in this process and return its seconds by what they were spent on."""
    begin = time.perf_counter()
    import ray

    from admf_ray.cluster import run, suite
    from admf_ray.phases.pipeline import Pipeline

    imported = time.perf_counter()
    watch = Watch()
    for home, name, label in (
        (ray, "init", RAY),
        (ray, "shutdown", RAY),
        (ray, "wait", WAITING),
        (suite, "_actor", ALONE),
        (run, "_fit", SEARCHES),
    ):
        watch.over(home, name, label)
    Pipeline(PIPELINE, out=out).run()
    took, spent = time.perf_counter() - begin, watch.spent_s
    started = watch.calls[ALONE] + CORES * watch.calls[SEARCHES]
    return {
        "all": took,
        IMPORTS: imported - begin,
        RAY: spent[RAY],
        WAITING: spent[WAITING],
        STARTS: started * process_s() / CORES if started else 0.0,
    }


def main() -> None:
    """Print a line for each run."""
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1])))
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ADMF_RAY_CACHE_DIR": f"{folder}/cache"}
        for label, out in (("empty cache", "first"), ("full cache", "second"), ("the same again", "second")):
            done = subprocess.run(
                [sys.executable, __file__, f"{folder}/{out}"],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            one = found[label] = json.loads(done.stdout.splitlines()[-1])
            one[WORK] = one["all"] - sum(one[name] for name in (IMPORTS, RAY, WAITING))
            parts = ", ".join(f"{name} {one[name]:.1f}" for name in (IMPORTS, RAY, WAITING, STARTS, WORK))
            print(f"{label:15} {one['all']:6.1f} s: {parts}", flush=True)
    cold, warm = found["empty cache"], found["full cache"]
    compiled_s = cold["all"] - warm["all"]
    fixed_s = warm[IMPORTS] + warm[RAY] + warm[STARTS]
    first, second = (compiled_s + fixed_s) / cold["all"], fixed_s / warm["all"]
    print(f"compilation {compiled_s:.1f} s; Ray, its processes and the imports {fixed_s:.1f} s:")
    print(f"together {first:.0%} of the first run, {second:.0%} of the second")


if __name__ == "__main__":
    main()
