"""Chain the phases of a pipeline: mine over walk-forward windows, analyse, validate; read what was stored.

What ``admf-ray run`` does, in plain Python, to be copied and changed. On a laptop::

    python scripts/walk_forward.py configs/quickstart.yaml

On a cluster, from its head: ``--address auto``. Run it again after a crash: what is stored is not run
again.
"""

from __future__ import annotations

import argparse
import sys

from admf_ray import Pipeline, open_run
from admf_ray.errors import ADMFError


def main() -> int:
    """Run the phases one after the other; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", help="PIPELINE.yaml")
    parser.add_argument("--address", help="Ray cluster to join; RAY_ADDRESS, or this machine")
    parser.add_argument("--out", help="folder or storage address of the run; results/NAME by default")
    asked = parser.parse_args()
    settings = {name: value for name, value in vars(asked).items() if value and name != "pipeline"}
    pipeline = Pipeline(asked.pipeline, **settings)

    mined = pipeline.run("mining")
    if mined.interrupted:
        return 130
    print(f"mined {mined.mined.n_points:,} points; out of sample:")
    if mined.walked is not None:
        for name, figure in mined.walked.summary().items():
            print(f"  {name} {figure:.3f}")

    run = open_run(mined.store.uri)
    print(run.best(3)[["strategy", "robust_score", "sharpe", "trades"]].to_string(index=False))

    if pipeline.config.phase_2_analysis is not None:
        if pipeline.run("analysis").interrupted:
            return 130
        print(run.table("experiments").to_string(index=False))

    if pipeline.config.phase_3_test is not None:
        verdict = pipeline.run("validation").verdict
        if verdict is not None:
            print("\n".join(verdict.sentences))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ADMFError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
