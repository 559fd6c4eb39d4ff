"""What the engine does for one node, wherever its tensors lie."""

from __future__ import annotations

from dataclasses import dataclass

from smidgen.compile.kernels.npu.layer import Layer
from smidgen.compile.kernels.npu.packing import Outputs
from smidgen.npu.descriptor import QUAD, Add, Engine, round_up


@dataclass(frozen=True)
class Sum:
    """An addition of two tensors, in rows as a Layer has them. add: the whole, all of it at address 0;
    engine: that does it."""

    add: Add
    height: int
    row_bytes: int
    engine: Engine
    macs: int = 0
    blocks: int = 1
    block_bytes: int = 0
    weight_bytes: int = 0

    @staticmethod
    def of(add: Add, shape: tuple[int, ...], elements: int, engine: Engine) -> Sum:
        """shape: of the tensors, whose second axis are rows if these are whole words."""
        height = shape[1] if len(shape) == 4 and shape[0] == 1 else 1
        if elements // height % QUAD:
            height = 1
        return Sum(add, height, round_up(elements // height, QUAD), engine)

    @property
    def output_height(self) -> int:
        return self.height

    @property
    def output_row_bytes(self) -> int:
        return self.row_bytes

    def input_rows(self, first: int, end: int) -> tuple[int, int]:
        return first, end


@dataclass(frozen=True, eq=False)
class Work:
    """outputs: the weights, None without."""

    step: Layer | Sum
    outputs: Outputs | None = None
