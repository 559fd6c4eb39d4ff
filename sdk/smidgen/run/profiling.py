"""Profile: per layer, what the device counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from smidgen.compile.kernels.npu import NPU
from smidgen.compile.schedule import Schedule
from smidgen.device import ListRecord, MemoryUse, Profile
from smidgen.run.engine import EngineUse, engine_use
from smidgen.run.inputs import Inputs
from smidgen.run.result import Layer, Result
from smidgen.run.running import Track, untracked, with_counts
from smidgen.run.session import Session


@dataclass(frozen=True, eq=False)
class Profiled:
    """result: totals and layers (means over inputs); memory: high-water marks after the runs."""

    result: Result
    memory: MemoryUse


def profile(session: Session, inputs: Inputs, track: Track = untracked) -> Profiled:
    """Profile every input. Figures that the target does not count are None."""
    profiles = [session.device.profile(sample) for sample in track(inputs.samples, "profiling")]
    result = with_counts(session.result(), [one.run for one in profiles])
    engine = _engine(session.schedule, profiles)
    layers = tuple(_layer(layer, profiles, engine.get(layer.id)) for layer in result.layers)
    result = replace(result, layers=layers)
    notes = (*_notes(result, profiles), *_prediction_notes(result), *_engine_notes(session.schedule, result))
    return Profiled(replace(result, notes=notes), session.device.memory())


def _layer(layer: Layer, profiles: Sequence[Profile], engine: EngineUse | None) -> Layer:
    counts = [one.layers[layer.id] for one in profiles]
    return replace(
        layer,
        cycles=_mean([count.cycles for count in counts]),
        instructions=_mean([count.instructions for count in counts]),
        engine=engine,
    )


def _engine(schedule: Schedule, profiles: Sequence[Profile]) -> dict[int, EngineUse]:
    """What the neural engine did, by the index of the call."""
    lists: dict[int, list[ListRecord]] = {}
    for record in (record for one in profiles for record in one.lists):
        lists.setdefault(record.layer, []).append(record)
    return {index: engine_use(schedule, schedule.calls[index], records) for index, records in lists.items()}


def _notes(result: Result, profiles: Sequence[Profile]) -> tuple[str, ...]:
    """How the layers add up, in what the target counts."""
    if result.cycles is not None:
        whole, overheads = result.cycles, [one.overhead_cycles for one in profiles]
        cost = profiles[0].cost_cycles
    else:
        whole, overheads = result.instructions, [one.overhead_instructions for one in profiles]
        cost = profiles[0].cost_instructions
    layer_sum, overhead = _sum(layer.taken for layer in result.layers), _mean(overheads)
    if whole is None or layer_sum is None or overhead is None:
        return ("This target counts neither cycles nor instructions.",)
    unit = result.unit
    return (
        f"The layers' {unit} add up to {100 * layer_sum / whole:.2f} % of the whole. "
        f"The profiler makes a run {overhead:,.0f} {unit} ({100 * overhead / whole:.2f} %) longer; its own "
        f"{cost} {unit} are taken off each layer.",
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


def _engine_notes(schedule: Schedule, result: Result) -> tuple[str, ...]:
    on_engine = [layer for layer in result.layers if schedule.calls[layer.id].kernel_set == NPU]
    if any(layer.engine is None for layer in on_engine):
        return ("The device has no RAM left for what the neural engine recorded.",)
    if any(layer.engine is not None and layer.engine.array_cycles is None for layer in on_engine):
        return ("The neural engine keeps too few records to say where the cycles of the longest lists went.",)
    return ()


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
