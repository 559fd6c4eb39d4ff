"""Random lists of descriptors that mean the same in every order the engine may choose, and broken ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from smidgen.npu.descriptor import (
    Add,
    Before,
    Convolution,
    Depthwise,
    Descriptor,
    Engine,
    Load,
    MaxPool,
    Store,
    Window,
    check,
    layout,
    round_up,
    table,
)

ACTIVATIONS, WEIGHTS, MEMORY = range(3)
LIST_AT = 0x8_0000  # below: what is loaded and stored
Range = tuple[int, int, int]  # space, first, end


@dataclass
class Placed:
    """A descriptor of a list, its unit, and what it reads and writes."""

    descriptor: Descriptor
    unit: int
    reads: list[Range]
    writes: list[Range]


def overlap(a: list[Range], b: list[Range]) -> bool:
    return any(x[0] == y[0] and x[1] < y[2] and y[1] < x[2] for x in a for y in b)


@dataclass
class ListMaker:
    """Makes one list; `memory` becomes what it starts with, below LIST_AT."""

    engine: Engine
    random: np.random.Generator
    memory: np.ndarray
    bases: tuple[int, int, int, int] = (0, 0, 0, 0)
    placed: list[Placed] = field(default_factory=list)
    free: int = 0  # address of memory that nothing uses yet

    def __post_init__(self) -> None:
        self.free = 4 * self.number(1, 3000)
        self.bases = (0, *sorted(4 * self.number(0, 250) for _ in range(3)))

    def number(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def likely(self, percent: int) -> bool:
        return self.number(1, 100) <= percent

    # Places

    def in_memory(self, count: int) -> int:
        """Often just before or behind a multiple of 4 KiB, where bursts are split."""
        if self.likely(20):
            self.free = round_up(self.free, 4096) + 4096 - 4 * self.number(0, 20)
        at = self.free
        self.free += round_up(count, 4) + 4 * self.number(1, 5)
        assert self.free <= LIST_AT, "a list that is too long for its memory"
        return at

    def in_buffer(self, count: int, unit: int = 4) -> int:
        """Where so many bytes lie in the activation buffer: anywhere, or up to its end."""
        last = (self.engine.activation_bytes - round_up(count, unit)) // unit
        return unit * (last if self.likely(20) else self.number(0, last))

    # Descriptors

    def add(self, descriptor: Descriptor, reads: list[Range], writes: list[Range]) -> None:
        """Append it, with the waits that it needs and sometimes more."""
        unit = 0 if isinstance(descriptor, Load) else 2 if isinstance(descriptor, Store) else 1
        counts, waits = [0, 0, 0], [0, 0, 0]
        for earlier in self.placed:
            counts[earlier.unit] += 1
            depends = overlap(reads, earlier.writes) or overlap(writes, earlier.reads + earlier.writes)
            if depends or self.likely(3):
                waits[earlier.unit] = counts[earlier.unit]
        loads, computes, stores = waits
        descriptor = replace(descriptor, after_loads=loads, after_computes=computes, after_stores=stores)
        self.placed.append(Placed(descriptor, unit, reads, writes))

    def transfer(self, address: int) -> dict[str, int]:
        base = int(self.random.choice([n for n in range(4) if self.bases[n] <= address]))
        return {"base": base, "memory_offset": address - self.bases[base]}

    def load(self, buffer: int, at: int, content: np.ndarray) -> None:
        address = self.in_memory(content.size)
        self.memory[address : address + content.size] = content
        ranges = [(MEMORY, address, address + content.size)], [(buffer, at, at + round_up(content.size, 4))]
        self.add(
            Load(buffer=buffer, buffer_address=at, bytes=content.size, **self.transfer(address)), *ranges
        )

    def random_bytes(self, count: int) -> np.ndarray:
        return self.random.integers(0, 256, count, np.uint8)

    def random_load(self) -> None:
        count = self.number(1, self.number(1, self.engine.activation_bytes // 4))
        self.load(ACTIVATIONS, self.in_buffer(count), self.random_bytes(count))

    def load_all(self) -> None:
        """After it the buffers are known."""
        for buffer, size in (
            (ACTIVATIONS, self.engine.activation_bytes),
            (WEIGHTS, self.engine.weight_bytes),
        ):
            self.load(buffer, 0, self.random_bytes(size))

    def load_again(self) -> None:
        """What an earlier store put into memory."""
        stores = [placed for placed in self.placed if placed.unit == 2]
        if not stores:
            return self.random_load()
        _, first, end = stores[self.number(0, len(stores) - 1)].writes[0]
        at = self.in_buffer(end - first)
        ranges = [(MEMORY, first, round_up(end, 4))], [(ACTIVATIONS, at, at + round_up(end - first, 4))]
        self.add(Load(buffer=0, buffer_address=at, bytes=end - first, **self.transfer(first)), *ranges)

    def store(self, at: int, count: int) -> None:
        address = self.in_memory(count)
        self.add(
            Store(buffer_address=at, bytes=count, **self.transfer(address)),
            [(ACTIVATIONS, at, at + count)],
            [(MEMORY, address, address + count)],
        )

    def random_store(self) -> None:
        count = self.number(1, self.number(1, self.engine.activation_bytes // 4))
        self.store(self.in_buffer(count), count)

    def parameters(self, quads: int) -> np.ndarray:
        """(quads, bytes)."""
        words = np.zeros((quads, self.engine.quad_words * self.engine.lanes), np.int64)
        words[:, 0:4] = self.random.integers(-(1 << 18), 1 << 18, (quads, 4))
        words[:, 4:8] = self.random.integers(1 << 30, 1 << 31, (quads, 4))
        words[:, 8:12] = self.random.integers(-16, 2, (quads, 4))
        return words.astype("<i4").view(np.uint8)

    def random_add(self) -> None:
        count = 4 * self.number(1, 60)
        places = [self.in_buffer(count) for _ in range(3)]
        ranges = [(ACTIVATIONS, at, at + count) for at in places]
        if overlap(ranges[:2], ranges[2:]):
            return
        multipliers = [self.number(1 << 30, (1 << 31) - 1) for _ in range(3)]
        shifts = [self.number(-4, 0), self.number(-4, 0), self.number(-22, -14)]
        zeros = [self.number(-128, 127) for _ in range(3)]
        self.add(
            Add(
                a_address=places[0], b_address=places[1], output_address=places[2], bytes=count,
                multiplier_a=multipliers[0], multiplier_b=multipliers[1], multiplier_output=multipliers[2],
                shift_a=shifts[0], shift_b=shifts[1], shift_output=shifts[2],
                input_zero_point=zeros[0], b_zero_point=zeros[1], output_zero_point=zeros[2],
                clamp_min=self.number(-128, 0), clamp_max=self.number(1, 127),
            ),
            ranges[:2],
            ranges[2:],
        )  # fmt: skip

    def random_layer(self) -> None:
        """A layer with its weights, or nothing when the one that was drawn does not fit."""
        kind = (Convolution, Depthwise, MaxPool)[self.number(0, 2)]
        channels = self.number(1, 40)
        width, rows = self.number(1, 8), self.number(1, 6)
        kernel_width, kernel_rows = self.number(1, 4), self.number(1, 4)
        outputs = self.number(1, 40) if kind is Convolution else channels
        if kind is MaxPool:
            outputs = channels = round_up(channels, 4)  # lanes beyond the channels are left open
        stride = self.number(1, 3)
        pixel_bytes = round_up(outputs, 4) + 4 * self.number(0, 2)
        out_width, out_rows = self.number(1, 5), self.number(1, 4)
        own: dict[str, int] = {"column_step": channels, "kernel_width": kernel_width, "stride_x": stride}
        if kind is Convolution:
            chunks = -(-kernel_width * channels // self.engine.lanes)
            own = {"width": self.number(0, 2), "chunks": chunks, "column_step": stride * channels}
        row_bytes = width * channels
        layer = kind(
            input_address=0, input_row_bytes=row_bytes, input_rows=rows, row_step=stride * row_bytes,
            pad_left_bytes=channels * self.number(0, 2), pad_top=self.number(0, 2), kernel_rows=kernel_rows,
            stride_y=stride, output_width=out_width, output_rows=out_rows, output_address=0,
            output_pixel_bytes=pixel_bytes, output_row_bytes=out_width * pixel_bytes + 4 * self.number(0, 3),
            blocks=1, channels=outputs, input_zero_point=self.number(-128, 127),
            output_zero_point=0 if kind is MaxPool else self.number(-128, 127),
            clamp_min=self.number(-128, 0), clamp_max=self.number(1, 127), **own,
        )  # fmt: skip
        layer = replace(layer, blocks=-(-outputs // self.engine.block_outputs(layer)))
        input_bytes, output_bytes = rows * row_bytes, layer.output_end
        weight_bytes = layer.blocks * self.engine.block_words(layer) * self.engine.word_bytes
        if (
            max(input_bytes, output_bytes) > self.engine.activation_bytes
            or weight_bytes > self.engine.weight_bytes
        ):
            return
        source, target = self.in_buffer(input_bytes, 1), self.in_buffer(output_bytes)
        reads, writes = (
            (ACTIVATIONS, source, source + input_bytes),
            (ACTIVATIONS, target, target + output_bytes),
        )
        if overlap([reads], [writes]):
            return
        free_words = (self.engine.weight_bytes - weight_bytes) // self.engine.word_bytes
        first_word = free_words if self.likely(20) else self.number(0, free_words)
        layer = replace(layer, input_address=source, output_address=target, weight_word=first_word)
        weights = (
            WEIGHTS,
            first_word * self.engine.word_bytes,
            first_word * self.engine.word_bytes + weight_bytes,
        )
        if weight_bytes:
            self.load(WEIGHTS, weights[1], self.weights(layer))
        if self.likely(30):
            self.load(ACTIVATIONS, source & ~3, self.random_bytes(min(input_bytes, 400)))
        self.add(layer, [reads, weights], [writes])
        if self.likely(40):
            self.store(target, output_bytes)

    def weights(self, layer: Window) -> np.ndarray:
        quads = self.engine.block_outputs(layer) // 4
        kernel_words = self.engine.block_words(layer) - quads * self.engine.quad_words
        blocks = [
            np.concatenate(
                [self.parameters(quads).reshape(-1), self.random_bytes(kernel_words * self.engine.word_bytes)]
            )
            for _ in range(layer.blocks)
        ]
        return np.concatenate(blocks)

    def fill(self, count: int) -> list[Descriptor]:
        """The list, of at least so many."""
        makers = [self.random_load, self.random_store, self.random_add, self.load_again]
        while len(self.placed) < count:
            if self.likely(50):
                self.random_layer()
            else:
                makers[self.number(0, 3)]()
        return [placed.descriptor for placed in self.placed]


def broken(
    words: np.ndarray, descriptors: list[Descriptor], engine: Engine, random: np.random.Generator
) -> tuple[np.ndarray, int, int]:
    """A list one of whose descriptors is illegal, which it is, and the code with which it is refused."""
    limits = (engine.activation_bytes, engine.weight_bytes, engine.weight_bytes // engine.word_bytes)
    while True:
        index = int(random.integers(len(words)))
        before = Before()
        for descriptor in descriptors[:index]:
            before = before.followed_by(descriptor)
        mutated = words.copy()
        name = {code: name for name, code in table()["kinds"].items()}[int(words[index, 0]) & 15]
        for _ in range(int(random.integers(1, 3))):
            if random.random() < 0.3:
                mutated[index, random.integers(16)] ^= np.uint32(1 << int(random.integers(32)))
                continue
            field = layout(name)[int(random.integers(len(layout(name))))]
            now = int(mutated[index, field.word]) >> field.low & ((1 << field.bits) - 1)
            value = random.choice([0, 1, (1 << field.bits) - 1, now + 1, now + 4, now - 1, now * 2, *limits])
            value = int(value) & ((1 << field.bits) - 1)
            mask = ((1 << field.bits) - 1) << field.low
            mutated[index, field.word] = int(mutated[index, field.word]) & ~mask | value << field.low
        code = check(mutated[index], engine, before)
        if code:
            return mutated, index, code
