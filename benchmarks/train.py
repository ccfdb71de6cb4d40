"""How fast a training step of each network is, beside the same network in PyTorch.

``python -m benchmarks.train`` times forward pass, derivative and Adam on batches of random images,
each framework in a process of its own on the same cores, in turns. PyTorch is installed in an
environment of its own and runs eagerly, channels last, with the fused Adam. Where there are several
cores each is timed twice: one training on all, and one on each core at the same time, as the
experiments train their folds. How much of our step its convolutions and matrix products take, each
run by itself, is told as well. About ten minutes on two quiet cores: the load is printed with the
results.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.failure import last_words

ROOT = Path(__file__).resolve().parents[1]
OURS, TORCH = "benchmarks.methods.jaxqmri_train", "benchmarks.peers.torch_networks"

# sizes like the experiments': a name and the arguments that both frameworks take, and a batch
NETWORKS: dict[str, dict[str, Any]] = {
    "unet": {
        "network": {
            "network": "UNet", "in_channels": 2, "out_channels": 1, "features": [16, 32, 64, 128],
        },
        "images": [16, 64, 64, 2],
    },
    "unet-paper": {
        "network": {
            "network": "UNet", "in_channels": 2, "out_channels": 1,
            "features": [32, 64, 128, 256, 512],
        },
        "images": [32, 64, 64, 2],
    },
    "perceptron": {
        "network": {"network": "SkipMLP", "in_features": 2, "out_features": 1, "width": 1.0},
        "images": [512, 2],
    },
    "rmq-net": {
        "network": {
            "network": "RMQNet", "in_channels": 4, "maps": 4, "classes": 1,
            "features": [8, 16, 32, 64],
        },
        "images": [4, 64, 64, 4],
    },
    "wide-resnet": {
        "network": {
            "network": "WideResNet", "in_channels": 1, "out_features": 3, "depth": 16, "width": 1,
        },
        "images": [16, 24, 48, 1],
    },
    "detector": {
        "network": {
            "network": "DiscDetector", "in_channels": 1, "classes": 5, "width": 0.125, "depth": 2,
        },
        "images": [8, 192, 192, 1],
    },
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Time the training steps of networks in JAX and in PyTorch."""

    networks: tuple[str, ...] = tuple(NETWORKS)
    """Which."""
    steps: int = 10
    """Timed steps after the first, in each turn; the fastest and the median of all count."""
    turns: int = 3
    """How often each framework is timed, one after the other."""
    out: Path | None = None
    """JSON file to write."""


class Program:
    """One framework's program, which times steps whenever it is asked to, until it fails."""

    def __init__(
        self, module: str, python: str | Path, problem: dict[str, Any], errors: IO[str]
    ) -> None:
        self.answers: list[dict[str, Any]] = []
        self.error: str | None = None
        self._problem = problem
        self._errors = errors
        self._process = subprocess.Popen(
            [python, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )
        self.ask(json.dumps(problem))

    def ask(self, line: str = "") -> None:
        """Send one line, and keep what is answered."""
        if self.error is None:
            with suppress(BrokenPipeError):  # it has ended: why is in what it said last
                print(line, file=self._process.stdin, flush=True)
            self._listen()

    def end(self) -> None:
        """Keep what the program has to say last."""
        if self._process.stdin and self.error is None:
            self._process.stdin.close()
            self._listen()
        if self._process.wait() != 0:
            self._failed()

    def _listen(self) -> None:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if line:
            self.answers.append(json.loads(line))
        else:
            self._process.wait()
            self._failed()

    def _failed(self) -> None:
        self._errors.seek(0)
        self.error = last_words(self._errors.read(), self._process.returncode)

    def row(self) -> dict[str, Any]:
        """What was measured, in all turns, or why it was not."""
        if self.error is not None:
            return {"error": self.error}
        first, *turns, last = self.answers
        seconds = [second for turn in turns for second in turn["seconds"]]
        samples = self._problem["images"][0] * self._problem["trainings"]
        return {
            **first,
            **last,
            "turns": [turn["seconds"] for turn in turns],
            "step_s": statistics.median(seconds),
            "samples_per_s": samples / statistics.median(seconds),
            "best_samples_per_s": samples / min(seconds),
            "cores_busy": statistics.median(turn["cores_busy"] for turn in turns),
        }


def in_turns(
    commands: Mapping[str, tuple[str, str | Path]], problem: dict[str, Any], turns: int
) -> dict[str, dict[str, Any]]:
    """A row of each program, a module and its interpreter.

    Who is first changes from turn to turn: a time in which the machine is slow is slow for all.
    """
    with ExitStack() as files:
        programs = {
            method: Program(
                *command,
                problem,
                files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")),
            )
            for method, command in commands.items()
        }
        for turn in range(turns):
            for program in list(programs.values())[:: -1 if turn % 2 else 1]:
                program.ask()
        for program in programs.values():
            program.end()
        return {method: program.row() for method, program in programs.items()}


def compared(name: str, settings: Settings, torch: Path | None) -> list[dict[str, Any]]:
    """Two rows for each framework that there is: one training on all cores, and one on each."""
    from jaxqmri.cli.accelerator import available_cores

    commands: dict[str, tuple[str, str | Path]] = {}
    if torch is not None:
        commands["PyTorch"] = TORCH, torch
    commands["jaxqmri"] = OURS, sys.executable
    rows = []
    for trainings in sorted({1, available_cores()}):
        problem = NETWORKS[name] | {"steps": settings.steps, "trainings": trainings}
        found = in_turns(commands, problem, settings.turns)
        rows += [{"network": name, "method": m, "trainings": trainings} | found[m] for m in found]
    weights = {row["weights"] for row in rows if "weights" in row}
    if len(weights) > 1:
        return [row | {"error": f"the networks differ: {weights} weights"} for row in rows]
    return rows


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    start = f"{row['network']:<12}{row['method']:<9}{row['trainings']:>10}"
    if "error" in row:
        return f"{start}  failed: {row['error']}"
    return (
        f"{start}{row['weights']:>11,}{row['samples_per_s']:>11.0f}"
        f"{row['best_samples_per_s']:>8.0f}{row['first_s']:>9.2f}{row['cores_busy']:>7.2f}"
        f"{_share(row):>10}"
    )


HEAD = (
    f"{'network':<12}{'method':<9}{'trainings':>10}{'weights':>11}{'samples/s':>11}{'best':>8}"
    f"{'first s':>9}{'cores':>7}{'products':>10}"
)


def _share(row: dict[str, Any]) -> str:
    """Part of a step that its convolutions and matrix products take, each run by itself."""
    return f"{row['products_s'] / row['step_s']:.0%}" if "products_s" in row else ""


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and write it down."""
    import tyro

    from benchmarks.environments import NotInstalled, interpreter
    from benchmarks.report import machine
    from jaxqmri.io.files import write_json

    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    if unknown := set(settings.networks) - set(NETWORKS):
        raise SystemExit(f"no network {', '.join(unknown)}: there are {', '.join(NETWORKS)}")
    if min(settings.steps, settings.turns) < 1:
        raise SystemExit("--steps and --turns must be at least 1")
    try:
        torch = interpreter("torchimize", patience=600)
    except NotInstalled as error:
        print(f"PyTorch does not install: {error}")
        torch = None
    before = os.getloadavg()[0]
    print(HEAD, flush=True)
    rows = []
    for name in settings.networks:
        rows += compared(name, settings, torch)
        print(*(line(row) for row in rows if row["network"] == name), sep="\n", flush=True)
    load = [before, os.getloadavg()[0]]
    print(f"\nRandom images; load average {load[0]:.1f} to {load[1]:.1f}")
    if settings.out is not None:
        found = {"benchmark": "train", "data": "random images", "machine": machine(), "load": load}
        write_json(settings.out, found | {"rows": rows})


if __name__ == "__main__":
    main()
