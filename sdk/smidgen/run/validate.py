"""Validate: the same inputs to the device and to an oracle, compared byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np

from smidgen.device import Device, LayerChecksum
from smidgen.device.host import HostDevice
from smidgen.golden import checksum
from smidgen.graph.reference import Reference
from smidgen.oracles import Answer, open_oracle
from smidgen.run.inputs import Inputs, real_values
from smidgen.run.litert_rounding import explain
from smidgen.run.metrics import Comparison
from smidgen.run.result import Layer, Result
from smidgen.run.running import Track, accuracy, untracked, with_counts
from smidgen.run.session import Session


@dataclass(frozen=True, eq=False)
class Validation:
    """result: what was measured; first_difference: the first output or layer that differs, in words;
    explained: the difference has a known cause."""

    result: Result
    first_difference: str | None
    explained: bool

    @property
    def passed(self) -> bool:
        return bool(self.result.bit_exact) or self.explained


def validate(
    session: Session,
    inputs: Inputs,
    against: str = "reference",
    layers: bool = False,
    track: Track = untracked,
) -> Validation:
    """Compare the device with the oracle `against` on every input; with `layers`, every tensor as well.

    Raises DeviceError when the device fails, BuildError when the oracle cannot run the model.
    """
    graph, device = session.graph, session.device
    outputs = [Comparison() for _ in graph.outputs]
    layer_comparisons = _Layers(session)
    runs, answers = [], []
    device.reset()
    with closing(open_oracle(against, session.model, graph, keep_tensors=layers)) as oracle:
        for sample in track(inputs.samples, f"comparing with {against}"):
            answer = oracle.run(sample)
            if layers:
                layer_comparisons.add(device, sample, answer)
            run = device.run(sample)
            runs.append(run)
            answers.append(answer.outputs)
            for comparison, name, ours, theirs in zip(
                outputs, graph.outputs, run.outputs, answer.outputs, strict=True
            ):
                tensor = graph.tensor(name)
                comparison.add(ours, theirs, real_values(ours, tensor), real_values(theirs, tensor))
    mismatched = sum(comparison.mismatched_bytes for comparison in outputs)
    result = replace(
        with_counts(session.result(), runs),
        oracle=against,
        bit_exact=mismatched == 0 and layer_comparisons.all_exact,
        mismatched_bytes=mismatched,
        accuracy=accuracy([run.outputs[0] for run in runs], inputs.labels),
        oracle_accuracy=accuracy([answer[0] for answer in answers], inputs.labels),
        outputs=tuple(_output(*pair) for pair in zip(graph.outputs, outputs, strict=True)),
    )
    if layers:
        result = replace(result, layers=layer_comparisons.results(result.layers))
    explanation = None
    if against == "litert" and not result.bit_exact:
        explanation = explain(session.model, graph, inputs.samples)
        result = replace(result, notes=(*result.notes, explanation.text))
    return Validation(
        result=result,
        first_difference=layer_comparisons.first or _first_output(graph.outputs, outputs),
        explained=explanation is not None and explanation.complete,
    )


def _output(name: str, comparison: Comparison) -> dict:
    return {"name": name, "mismatched_bytes": comparison.mismatched_bytes, **comparison.columns()}


def _first_output(names: Sequence[str], comparisons: Sequence[Comparison]) -> str | None:
    for name, comparison in zip(names, comparisons, strict=True):
        if comparison.first_mismatch is not None:
            sample, index, ours, theirs = comparison.first_mismatch
            return f"output '{name}', input {sample}, element {index}: {ours}, the oracle has {theirs}"
    return None


@dataclass
class _Layers:
    """Compares every tensor that the device writes: by checksum, and on the host also by value."""

    session: Session
    exact: dict[int, bool] = field(default_factory=dict)
    comparisons: dict[int, Comparison] = field(default_factory=dict)
    first: str | None = None
    samples: int = 0
    earlier: list[Sequence[np.ndarray]] = field(default_factory=list)
    banded: Reference | None = None

    def __post_init__(self) -> None:
        if self.session.plan.layers:
            self.banded = Reference(self.session.plan.graph)

    def add(self, device: Device, sample: Sequence[np.ndarray], answer: Answer) -> None:
        expected = answer.tensors
        if self.banded is not None:  # no oracle knows the bands, but their own graph has a meaning too
            expected = {**self.banded.run(sample, keep="all").tensors, **expected}
        written = [(i, name) for i, call in enumerate(self.session.schedule.calls) for name in call.writes]
        if isinstance(device, HostDevice):
            tensors = device.tensors(sample)
            for layer, name in written:
                if name in expected:
                    self._compare_values(layer, name, tensors[name], expected[name])
        else:
            for (layer, name), one in zip(written, device.layer_checksums(sample), strict=True):
                if name in expected:
                    self._compare_checksums(layer, name, one, expected[name])
        if self.session.graph.states:
            self._rewind(device, sample)
        self.samples += 1

    def _rewind(self, device: Device, sample: Sequence[np.ndarray]) -> None:
        """The comparison was a run of its own: the run that follows must start from the state before it."""
        device.reset()
        for earlier in self.earlier:
            device.run(earlier)
        self.earlier.append(sample)

    def _compare_values(self, layer: int, name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
        tensor = self.session.plan.graph.tensor(name)
        comparison = self.comparisons.setdefault(layer, Comparison())
        theirs = theirs.reshape(-1).astype(ours.dtype, copy=False)
        if tensor.quantization is not None and tensor.quantization.axis is not None:
            comparison.add(ours, theirs, ours, theirs)
        else:
            comparison.add(ours, theirs, real_values(ours, tensor), real_values(theirs, tensor))
        self._note(layer, name, bool(np.array_equal(ours, theirs)))

    def _compare_checksums(self, layer: int, name: str, ours: LayerChecksum, theirs: np.ndarray) -> None:
        self._note(layer, name, ours.crc == checksum(theirs))

    def _note(self, layer: int, name: str, same: bool) -> None:
        self.exact[layer] = self.exact.get(layer, True) and same
        if not same and self.first is None:
            call = self.session.schedule.calls[layer]
            self.first = (
                f"layer {layer} ({call.type_name} '{call.id}'), tensor '{name}', input {self.samples}"
            )

    @property
    def all_exact(self) -> bool:
        return all(self.exact.values())

    def results(self, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        return tuple(
            replace(
                layer,
                bit_exact=self.exact.get(layer.id),
                mismatched_bytes=self.comparisons[layer.id].mismatched_bytes
                if layer.id in self.comparisons
                else None,
                differences=self.comparisons[layer.id].columns() if layer.id in self.comparisons else None,
            )
            for layer in layers
        )
