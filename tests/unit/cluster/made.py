"""Jobs that are only as long as they say."""

import numpy as np

from admf_ray.cluster.jobs import Job, StackNames
from admf_ray.results.schema import Context


def job(count, *, steps=1_000, compiled=True, code="c0", windows=1, todo=None):
    """Return a job of so many points."""
    names = StackNames("ma_crossover", (), "risk", "broker", "portfolio")
    spans = tuple((f"w{k}", 0, 9, 0, 9) for k in range(windows))
    context = Context("ma_crossover", code, {}, "bars", spans, (), {})
    left = np.arange(count) if todo is None else np.asarray(todo)
    return Job(names, context, range(count), left, compiled, steps)


def report(points=1, seconds=1.0, failed=0, **more):
    """Return what a tile's report says."""
    return {"points": points, "seconds": seconds, "failed": failed, "grown_bytes": 0, "status": "", **more}
