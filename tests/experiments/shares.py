"""One of several processes that share trainings out, as an experiment's learner does.

``python -m tests.experiments.shares OUT [--distributed ...]``: each training is a number; what it
ends with tells which process made it.
"""

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from experiments.command import execute, parse
from experiments.kept_networks import End, KeptNetworks
from experiments.run import Run
from experiments.together import begin, share_out
from jaxqmri.cli.together import first_goes_first
from jaxqmri.io import InputError
from jaxqmri.io.files import write_json

NAMES = ("a", "b", "c", "d", "e")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Seconds that a training takes, one that fails as foreseen, and one that does not."""

    seconds: float = 0.05
    fails: str = ""
    breaks: str = ""


def work(command):
    if not begin(command, "tests.experiments.shares"):
        return
    import jax

    with first_goes_first():
        run = Run("shares", command, Path("none"))
    kept = KeptNetworks(run)

    def train(arms):
        for arm in arms:
            if arm == run.settings.fails:
                raise InputError(f"{arm}: cannot be learnt")
            if arm == run.settings.breaks:
                raise RuntimeError(f"{arm}: out of memory")
            time.sleep(run.settings.seconds)
            end = End({"by": np.array([jax.process_index()])}, (), settled=True)
            kept.write(arm, "x", end)
            yield arm, end

    ends = dict(share_out(kept, NAMES, str, lambda _: "x", train, lambda: None))
    found = {name: int(ends[name].predicted["by"][0]) for name in NAMES}
    write_json(run.folder / f"seen-by-{jax.process_index()}.json", found)
    if run.writes:
        write_json(run.folder / "metrics.json", {"seconds": run.tick()})


def main():
    command = parse("shares", __doc__, {"quick": Settings()})
    return execute(lambda: work(command))


if __name__ == "__main__":
    sys.exit(main())
