"""Running inputs on a device and gathering what it took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from smidgen.device import Device, Run
from smidgen.run.result import Result

# Passes samples through one by one and shows how far it is; the text says what is done with them.
Track = Callable[[Sequence[Sequence[np.ndarray]], str], Iterable[Sequence[np.ndarray]]]


def untracked(samples: Sequence[Sequence[np.ndarray]], text: str) -> Iterable[Sequence[np.ndarray]]:
    return samples


def run_all(device: Device, samples: Iterable[Sequence[np.ndarray]]) -> list[Run]:
    """One inference for each sample, from the model's initial state on."""
    device.reset()
    return [device.run(sample) for sample in samples]


def with_counts(result: Result, runs: Sequence[Run]) -> Result:
    """The result with how many inputs were run and their cycles and instructions, None where not counted."""
    cycles = [run.cycles for run in runs if run.cycles is not None]
    instructions = [run.instructions for run in runs if run.instructions is not None]
    return replace(
        result,
        inputs=len(runs),
        cycles=fmean(cycles) if cycles else None,
        instructions=fmean(instructions) if instructions else None,
        cycles_min=min(cycles, default=None),
        cycles_max=max(cycles, default=None),
        instructions_min=min(instructions, default=None),
        instructions_max=max(instructions, default=None),
    )


def accuracy(outputs: Sequence[np.ndarray], labels: np.ndarray | None) -> float | None:
    """Share of first outputs whose largest element is the label; None without labels."""
    if labels is None:
        return None
    hits = [int(np.argmax(output)) == int(label) for output, label in zip(outputs, labels, strict=True)]
    return sum(hits) / len(hits)
