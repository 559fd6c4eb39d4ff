"""Images that the engine makes of the pixels of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from smidgen.compile.kernels.common import constant_operands
from smidgen.compile.kernels.npu import OUTPUT
from smidgen.compile.kernels.npu.layer import LONGEST_ROW
from smidgen.compile.kernels.npu.lists import LONGEST, ListBuilder, Region
from smidgen.compile.kernels.npu.lowering import list_blob, list_shape
from smidgen.compile.kernels.npu.pixels import copy_pixels
from smidgen.compile.kernels.npu.tiling import call_cycles
from smidgen.compile.kernels.npu.timing import list_cycles
from smidgen.compile.kernels.spec import Lowered
from smidgen.compile.schedule import Cost
from smidgen.graph import Graph, Node
from smidgen.npu.descriptor import QUAD, Descriptor, Engine, Load, Store, Transfer

STRIPS = (1, 2, 4, 8, 16)  # rows of an input that are copied by one descriptor
PLACES = 3  # of strips that are worked on


@dataclass(frozen=True)
class Source:
    """Where an input's pixels go: to the channels from `first` on of `repeat` (rows, columns) of pixels."""

    base: int
    channels: int
    first: int = 0
    repeat: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Copy:
    """An output of so many rows, columns and channels, what it consists of, and the engine that makes it."""

    height: int
    width: int
    channels: int
    sources: tuple[Source, ...]
    engine: Engine

    def refuse(self) -> str | None:
        """Why the engine cannot make it, or None when it can."""
        others = [source.channels for source in self.sources if source.channels % QUAD]
        if others:
            return f"{others[0]} channels are not a multiple of {QUAD}"
        if self.width * self.channels * max(source.repeat[0] for source in self.sources) >= LONGEST_ROW:
            return f"a row of {self.width * self.channels} bytes is too long"
        return None if _fastest(self) else f"its list has more than {LONGEST} descriptors, or no strip fits"

    def lower(self, graph: Graph, node: Node, symbol: str) -> Lowered:
        """The call of what the engine does not refuse."""
        fastest = _fastest(self)
        assert fastest is not None
        cycles, rows = fastest
        descriptors = self.descriptors(rows)
        reads = node.inputs[: len(self.sources)]
        return Lowered(
            symbol=symbol,
            shape_type="struct smidgen_npu_shape",
            shape=list_shape(self.engine, descriptors),
            reads=reads,
            blobs=(list_blob(descriptors),),
            specialise=False,
            constants=constant_operands(graph, reads),
            cost=Cost(
                cycles=call_cycles(cycles),
                data_port=sum(one.bytes // QUAD for one in descriptors if isinstance(one, Transfer)),
                requantizer=self.height * self.width * self.channels // QUAD,
            ),
        )

    def descriptors(self, rows: int) -> Sequence[Descriptor]:
        """With strips of so many rows, the output's and its inputs' one after the other in each place."""
        builder = ListBuilder()
        row_bytes = self.width * self.channels
        places = min(self.engine.activation_bytes // self.place_bytes(rows), PLACES)
        for index, first in enumerate(range(0, self.height, rows)):
            count = min(rows, self.height - first)
            address = index % places * self.place_bytes(rows)
            output = Region(False, address, address + count * row_bytes)
            address += rows * row_bytes
            for source in self.sources:
                down, right = source.repeat
                input_row = self.width // right * source.channels
                size = count // down * input_row
                strip = Region(False, address, address + size)
                load = Load(
                    base=source.base,
                    memory_offset=first // down * input_row,
                    buffer=0,
                    buffer_address=address,
                    bytes=size,
                )
                builder.add(load, [], [strip])
                for row, column in product(range(down), range(right)):
                    at = output.first + row * row_bytes + column * self.channels + source.first
                    pixels = copy_pixels(
                        self.engine,
                        address,
                        (count // down, self.width // right, source.channels),
                        at,
                        right * self.channels,
                        down * row_bytes,
                    )
                    builder.add(pixels, [strip], [output])
                address += size
            store = Store(
                base=OUTPUT,
                memory_offset=first * row_bytes,
                buffer_address=output.first,
                bytes=count * row_bytes,
            )
            builder.add(store, [output], [])
        return builder.descriptors

    def place_bytes(self, rows: int) -> int:
        """Of a strip of the output and what it is made of."""
        taken = rows * self.width * self.channels
        for source in self.sources:
            taken += rows // source.repeat[0] * (self.width // source.repeat[1]) * source.channels
        return taken


@cache
def _fastest(copy: Copy) -> tuple[int, int] | None:
    """(cycles, rows of a strip) of the fastest way, or None when none is possible."""
    step = max(source.repeat[0] for source in copy.sources)
    found = []
    for rows in (step * count for count in STRIPS):
        if copy.place_bytes(rows) <= copy.engine.activation_bytes:
            descriptors = copy.descriptors(rows)
            if len(descriptors) <= LONGEST:
                found.append((list_cycles(descriptors, copy.engine), rows))
    return min(found, default=None)
