"""What a first and a second process pay before their first sweep.

Run ``python benchmarks/startup.py``. Both run the same program; the first finds an empty compile cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

PROGRAM = """
import time
begin = time.perf_counter()
from admf_ray.components import library
from admf_ray.components.registry import find
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk
imported = time.perf_counter()
bars = random_walk(n_bars=1500, seed=1).bars
stack = Stack(find("ma_crossover"), (find("trend_direction"),))
row = stack.vector({"risk.stop_loss_frac": 0.05})
window = Window("full", 0, 1500)
loaded = time.perf_counter()
sweep(bars, stack, row[None], [window])
swept = time.perf_counter()
Replay(bars, stack, row, window).run()
done = time.perf_counter()
print(f"imports {imported - begin:.2f} s, sweep {swept - loaded:.2f} s, replay {done - swept:.2f} s")
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ADMF_RAY_CACHE_DIR": folder}
        for label in ("empty cache", "second process", "third process"):
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
            )
            print(f"{label:15} {done.stdout.strip()}")


if __name__ == "__main__":
    main()
