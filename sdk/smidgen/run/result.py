"""What `analyze`, `build`, `run`, `validate` and `profile` report. The field names are the keys of `--json`
and are fixed: programs of other people read them. A figure that a target cannot give is None."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from smidgen.compile.figures import Figures
from smidgen.compile.schedule import KernelCall, Schedule
from smidgen.run.engine import EngineUse


@dataclass(frozen=True)
class Layer:
    """One kernel call. cycles and instructions: mean over inputs; weights_bytes: constants it reads, as
    stored; output_bytes: tensors it writes; differences: how it differs from the oracle (metrics.COLUMNS).

    On a core that has a cost model, predicted_cycles: what the compiler expects; roof_cycles: the fewest that
    the work can take; bound: what needs these ("multipliers", "data_port" or "requantizer").

    engine: what the neural engine recorded, of a layer that runs there.
    """

    id: int
    name: str
    type: str
    macs: int
    cycles: float | None = None
    instructions: float | None = None
    bit_exact: bool | None = None
    mismatched_bytes: int | None = None
    weights_bytes: int = 0
    output_bytes: int = 0
    shape: str = ""
    differences: dict[str, float | None] | None = None
    kernel: str = ""
    predicted_cycles: int | None = None
    roof_cycles: int | None = None
    bound: str | None = None
    engine: EngineUse | None = None

    @property
    def taken(self) -> float | None:
        """Cycles, or instructions on a target that counts no cycles."""
        return self.instructions if self.cycles is None else self.cycles

    @property
    def instructions_per_mac(self) -> float | None:
        return self.instructions / self.macs if self.instructions and self.macs else None

    @property
    def macs_per_cycle(self) -> float | None:
        return self.macs / self.cycles if self.cycles and self.macs else None

    @property
    def roof_macs_per_cycle(self) -> float | None:
        return self.macs / self.roof_cycles if self.roof_cycles and self.macs else None

    @property
    def roof_share(self) -> float | None:
        """How near to its roof the layer runs."""
        return self.roof_cycles / self.cycles if self.roof_cycles and self.cycles else None

    @property
    def prediction_error(self) -> float | None:
        """How far the prediction is off, as a share of what was measured; negative when it is too low."""
        if not self.cycles or self.predicted_cycles is None:
            return None
        return self.predicted_cycles / self.cycles - 1

    def to_json(self) -> dict[str, Any]:
        derived = (
            "macs_per_cycle", "roof_macs_per_cycle", "roof_share", "prediction_error", "instructions_per_mac"
        )  # fmt: skip
        engine = {"engine": self.engine and self.engine.to_json()}
        return asdict(self) | {name: getattr(self, name) for name in derived} | engine


@dataclass(frozen=True)
class Result:
    """cycles and instructions: mean over inputs, from call to return of the model function; stack_bytes: the
    static bound; weights_bytes: weights, biases, requantization parameters; code_bytes: model function,
    kernels and what they pull in; flash_bytes and ram_bytes: the whole image; outputs: how each differs."""

    target: str
    model: str
    oracle: str | None = None
    inputs: int | None = None
    bit_exact: bool | None = None
    mismatched_bytes: int | None = None
    accuracy: float | None = None
    cycles: float | None = None
    instructions: float | None = None
    cycles_min: int | None = None
    cycles_max: int | None = None
    instructions_min: int | None = None
    instructions_max: int | None = None
    arena_bytes: int | None = None
    arena_tensors_bytes: int | None = None
    arena_lower_bound_bytes: int | None = None
    arena_live_bytes: int | None = None
    recomputed_macs: int = 0
    stack_bytes: int | None = None
    weights_bytes: int | None = None
    code_bytes: int | None = None
    agent_code_bytes: int | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    layers: tuple[Layer, ...] = ()
    oracle_accuracy: float | None = None
    optimize: str | None = None
    outputs: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def unit(self) -> str | None:
        """What the target counts: "cycles", "instructions" and no cycles, or nothing."""
        if self.cycles is not None:
            return "cycles"
        return None if self.instructions is None else "instructions"

    @property
    def instructions_per_mac(self) -> float | None:
        return self.instructions / self.macs if self.instructions and self.macs else None

    def with_figures(self, figures: Figures) -> Result:
        """With the sizes of a build."""
        return replace(self, **asdict(figures))

    @property
    def predicted(self) -> tuple[Layer, ...]:
        """The layers whose cycles were both predicted and measured."""
        return tuple(layer for layer in self.layers if layer.prediction_error is not None)

    @property
    def prediction_error(self) -> float | None:
        """How far the predicted cycles of those layers are off together, as a share of what was measured."""
        measured = sum(layer.cycles or 0 for layer in self.predicted)
        predicted = sum(layer.predicted_cycles or 0 for layer in self.predicted)
        return predicted / measured - 1 if measured else None

    def to_json(self) -> dict[str, Any]:
        layers = [layer.to_json() for layer in self.layers]
        derived = ("prediction_error", "instructions_per_mac")
        return asdict(self) | {"layers": layers} | {name: getattr(self, name) for name in derived}


def layers_of(schedule: Schedule) -> tuple[Layer, ...]:
    """The schedule's calls as layers that nothing has been measured on."""
    return tuple(_layer(schedule, index, call) for index, call in enumerate(schedule.calls))


def _layer(schedule: Schedule, index: int, call: KernelCall) -> Layer:
    constants = {name for name in (*call.blobs, *call.reads) if name in schedule.blobs}
    return Layer(
        id=index,
        name=call.id,
        type=call.type_name,
        macs=call.macs,
        weights_bytes=sum(schedule.blobs[name].bytes for name in constants),
        output_bytes=sum(schedule.buffers[name].bytes for name in call.writes),
        shape=call.detail,
        kernel=f"{call.kernel_set}/{call.symbol}",
        predicted_cycles=call.cost.cycles if call.cost else None,
        roof_cycles=call.cost.bound_cycles if call.cost else None,
        bound=call.cost.bound if call.cost else None,
    )
