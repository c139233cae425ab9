"""The worker: a Tune trial, one Ray actor, that runs a portion of tiles and writes each as one part."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ray import tune

from admf_ray.cluster.jobs import Shared
from admf_ray.cluster.tiles import Tile, tiles_in
from admf_ray.cluster.tilework import TileWork, together
from admf_ray.errors import ADMFError, StoreError

__all__ = ["TileTrainable"]

CURSOR = "cursor.json"
MOST_TILES = 32  # in one report, which stays under 2 KB


class TileTrainable(tune.Trainable):
    """Runs tiles; ``config["tiles"]`` says which, as words ``job:begin:end``.

    Notes
    -----
    One step is one tile, or, where so many workers report that the driver could not listen to each tile, as
    many of a job as take ``report_every_s``. What a tile gives is in the store when the step returns, under a
    name made of its content: a step that is run again finds its part and computes nothing. An actor is reused
    for the next trial: the shared data stay mapped and the compiled code stays loaded, nothing else does.

    What a second try cannot mend (other code here, a rule that does not compile, a full disk) is reported
    as ``fatal`` and ends the run; what may have been the node's or the network's fault is raised, and
    tried again.
    """

    def setup(self, config: dict[str, Any], shared: Shared | None = None) -> None:
        """Map the shared data, import the users' files and refuse a processor that computes other bits."""
        assert shared is not None
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self.fatal: ADMFError | None = None
        self.reset_config(config)
        try:
            self.report_every_s = shared.report_every_s
            self.work = TileWork(shared)
            self.work.warm(self.tiles)
        except ADMFError as error:  # would be the same everywhere: told once, not tried again
            self.fatal = error

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another portion; the shared data stay."""
        self.tiles = tiles_in(new_config["tiles"])
        self.cursor = 0
        self.best = {"objective": float("nan")}
        return True

    def step(self) -> dict[str, Any]:
        """Run the next tile or tiles and report what they gave, and the portion's best point."""
        left = self.tiles[self.cursor : self.cursor + MOST_TILES]
        if not left:
            return {"done": True, "tiles": "", "points": 0, **self.best}
        done: list[Tile] = []
        reports: list[dict[str, Any]] = []
        begun = time.monotonic()
        try:
            if self.fatal is not None:
                raise self.fatal
            for tile in left:
                if done and (tile.job != done[0].job or time.monotonic() - begun >= self.report_every_s):
                    break
                reports.append(self.work.run(tile))
                done.append(tile)
        except ADMFError as error:
            if not done:  # what is done is reported first; the tile that failed comes again
                return self._failed(error)
        self.cursor += len(done)
        for report in reports:
            self._judge(report)
        words = " ".join(map(str, done))
        return {"tiles": words, "done": self.cursor >= len(self.tiles), **together(reports), **self.best}

    def _failed(self, error: ADMFError) -> dict[str, Any]:
        """Report what ends the run, or raise what another try may mend."""
        if isinstance(error, StoreError) and not self.work.shared.store.is_local:
            raise error
        fatal = f"{type(error).__name__}\n{error}"[:1_500]
        return {"done": True, "tiles": "", "points": 0, "fatal": fatal, **self.best}

    def _judge(self, report: dict[str, Any]) -> None:
        """Keep the better of the portion's best point and a tile's; the first of equals."""
        sign = 1.0 if self.work.shared.maximize else -1.0
        if report["objective"] == report["objective"] and not (
            sign * self.best["objective"] >= sign * report["objective"]
        ):
            self.best = {name: report[name] for name in ("objective", "strategy", "best")}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep how far the portion is; results are in the store."""
        Path(checkpoint_dir, CURSOR).write_text(
            json.dumps({"tiles": " ".join(map(str, self.tiles)), "cursor": self.cursor, "best": self.best})
        )

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Go on where the portion was; `checkpoint` is the folder that `save_checkpoint` wrote to."""
        kept = json.loads(Path(checkpoint, CURSOR).read_text())
        self.tiles = tiles_in(kept["tiles"])
        self.cursor, self.best = kept["cursor"], kept["best"]

    def cleanup(self) -> None:
        """Let go of the shared data."""
        self.__dict__.pop("work", None)
