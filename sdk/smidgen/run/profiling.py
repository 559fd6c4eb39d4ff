"""Profile: per layer, what the device counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from smidgen.device import MemoryUse, Profile
from smidgen.run.inputs import Inputs
from smidgen.run.result import Layer, Result
from smidgen.run.running import Track, untracked, with_counts
from smidgen.run.session import Session


@dataclass(frozen=True, eq=False)
class Profiled:
    """result: totals and layers (means over inputs); layer_sum_cycles: the layers' cycles added up;
    overhead_cycles: how much longer a profiled run takes; cost_cycles: taken off each layer; memory:
    high-water marks after the runs."""

    result: Result
    layer_sum_cycles: float | None
    overhead_cycles: float | None
    cost_cycles: int | None
    memory: MemoryUse


def profile(session: Session, inputs: Inputs, track: Track = untracked) -> Profiled:
    """Profile every input. Figures that the target does not count are None."""
    profiles = [session.device.profile(sample) for sample in track(inputs.samples, "profiling")]
    result = with_counts(session.result(), [one.run for one in profiles])
    layers = tuple(_layer(layer, index, profiles) for index, layer in enumerate(result.layers))
    overheads = [one.overhead_cycles for one in profiles]
    layer_sum = _sum(layer.cycles for layer in layers)
    cost = profiles[0].cost_cycles
    result = replace(result, layers=layers)
    notes = (*_notes(result.cycles, layer_sum, _mean(overheads), cost), *_prediction_notes(result))
    return Profiled(
        result=replace(result, notes=notes),
        layer_sum_cycles=layer_sum,
        overhead_cycles=_mean(overheads),
        cost_cycles=cost,
        memory=session.device.memory(),
    )


def _layer(layer: Layer, index: int, profiles: Sequence[Profile]) -> Layer:
    counts = [one.layers[index] for one in profiles]
    return replace(
        layer,
        cycles=_mean([count.cycles for count in counts]),
        instructions=_mean([count.instructions for count in counts]),
    )


def _notes(
    cycles: float | None, layer_sum: float | None, overhead: float | None, cost: int | None
) -> tuple[str, ...]:
    if cycles is None or layer_sum is None or overhead is None:
        return ("This target counts neither cycles nor instructions.",)
    return (
        f"The layers' cycles add up to {100 * layer_sum / cycles:.2f} % of the whole. "
        f"The profiler makes a run {overhead:,.0f} cycles ({100 * overhead / cycles:.2f} %) longer; its own "
        f"{cost} cycles are taken off each layer.",
    )


def _prediction_notes(result: Result) -> tuple[str, ...]:
    error, layers = result.prediction_error, result.predicted
    if error is None:
        return ()
    worst = max(layers, key=lambda layer: abs(layer.prediction_error or 0))
    return (
        f"The cycles of {len(layers)} of {len(result.layers)} layers were predicted, {100 * error:+.1f} % "
        f"off together; layer {worst.id} is off the most, {100 * (worst.prediction_error or 0):+.1f} %.",
    )


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _sum(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    return (
        None
        if any(value is None for value in listed)
        else sum(value for value in listed if value is not None)
    )
