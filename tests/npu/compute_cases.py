"""Random descriptors with shapes that hurt, for the compute unit alone.

The first part of the activation buffer is input, the next output; the rest is for loads and stores that go
on meanwhile.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from compute_bench import Background

from smidgen.npu.descriptor import (
    QUAD,
    Add,
    Convolution,
    Depthwise,
    Descriptor,
    Engine,
    MaxPool,
    Window,
    round_up,
)

INPUT_BYTES = OUTPUT_BYTES = 12 * 1024  # after each other
LOADED = 24 * 1024  # by loads in the background, up to STORED
STORED = 28 * 1024  # what stores read, up to the end
EXTREME_BYTES = (-128, -127, -1, 0, 1, 127)
KINDS = (Convolution, Depthwise, MaxPool)


class Draw:
    """One case after the other from a seed."""

    def __init__(self, engine: Engine, *seed: int) -> None:
        self.engine = engine
        self.random = np.random.default_rng(seed)

    def number(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def likely(self, percent: int) -> bool:
        return self.number(1, 100) <= percent

    def byte(self) -> int:
        return int(self.random.choice(EXTREME_BYTES)) if self.likely(50) else self.number(-128, 127)

    def clamp(self) -> dict[str, int]:
        low, high = sorted((self.byte(), self.byte())) if self.likely(30) else (-128, 127)
        return {"clamp_min": low, "clamp_max": high}

    def bytes(self, count: int) -> np.ndarray:
        """Uniform, or only extremes: sums are as large as they get."""
        if self.likely(70):
            return self.random.integers(0, 256, count).astype(np.uint8)
        return self.random.choice(EXTREME_BYTES, count).astype(np.int8).view(np.uint8)

    def layer(self, kind: type[Window]) -> Window:
        """One that fits."""
        while True:
            layer = self._layer(kind)
            words = layer.weight_word + layer.blocks * self.engine.block_words(layer)
            if (
                layer.input_address + layer.input_rows * layer.input_row_bytes <= INPUT_BYTES
                and layer.output_end <= LOADED
                and words * self.engine.word_bytes <= self.engine.weight_bytes
            ):
                return layer

    def _layer(self, kind: type[Window]) -> Window:
        channels = self.number(1, 3) if self.likely(25) else self.number(1, 70)
        width, rows = self.number(1, 13), self.number(1, 9)
        kernel_rows, kernel_width = self.number(1, 5), self.number(1, 4 if kind is Depthwise else 5)
        stride_y, stride_x = self.number(1, 3), self.number(1, 3)
        pad_left = self.number(0, kernel_width - 1)
        output_width, output_rows = self.number(1, 2 * width), self.number(1, 2 * rows)
        outputs, own = channels, {"column_step": channels, "kernel_width": kernel_width, "stride_x": stride_x}
        if kind is Convolution:
            outputs, own = (
                self.number(1, 70),
                {"column_step": stride_x * channels, "width": self.number(0, 2)},
            )
            own["chunks"] = -(-kernel_width * channels // self.engine.lanes)
        pixel_bytes = round_up(outputs, QUAD) + QUAD * self.number(0, 3)
        layer = kind(
            input_address=self.number(0, 300),
            input_row_bytes=width * channels,
            input_rows=rows,
            row_step=stride_y * width * channels,
            pad_left_bytes=pad_left * channels,
            pad_top=self.number(0, kernel_rows + 1),
            kernel_rows=kernel_rows,
            stride_y=stride_y,
            output_width=output_width,
            output_rows=output_rows,
            output_address=INPUT_BYTES + 4 * self.number(0, 30),
            output_pixel_bytes=pixel_bytes,
            output_row_bytes=output_width * pixel_bytes + QUAD * self.number(0, 3),
            weight_word=0 if kind is MaxPool else self.number(0, 40),
            blocks=1,
            input_zero_point=self.byte(),
            output_zero_point=self.byte(),
            channels=outputs,
            **self.clamp(),
            **own,
        )
        return replace(layer, blocks=-(-outputs // self.engine.block_outputs(layer)))

    def scale(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Multipliers and shifts: usual ones, or whatever is allowed."""
        if self.likely(60):
            return self.random.integers(1 << 30, 1 << 31, count), self.random.integers(-14, -3, count)
        multipliers = self.random.choice([0, 1, 1 << 30, (1 << 31) - 1, 0x5555_5555], count)
        return multipliers, self.random.integers(-31, 32, count)

    def weights(self, layer: Window) -> np.ndarray:
        """The words of a layer, from its first on."""
        engine = self.engine
        words, quads = engine.block_words(layer), engine.block_outputs(layer) // QUAD
        data = self.bytes(layer.blocks * words * engine.word_bytes).reshape(layer.blocks, -1)
        for block in data:
            for quad in range(quads):
                values = np.zeros(engine.quad_words * engine.lanes, np.int64)
                spread = 1 << self.number(0, 30)
                values[0:4] = self.random.integers(-spread, spread, 4)
                values[4:8], values[8:12] = self.scale(4)
                at = quad * values.size * 4
                block[at : at + values.size * 4] = values.astype("<i4").view(np.uint8)
        return data.reshape(-1)

    def addition(self) -> Add:
        count = QUAD * self.number(1, 100)
        (a, b, out), (shift_a, shift_b, shift_out) = (list(map(int, values)) for values in self.scale(3))
        if self.likely(60):
            shift_out = self.number(-22, -14)
        return Add(
            a_address=QUAD * self.number(0, 1000),
            b_address=QUAD * self.number(0, 1000),
            output_address=INPUT_BYTES + QUAD * self.number(0, 1000),
            bytes=count,
            multiplier_a=a,
            multiplier_b=b,
            multiplier_output=out,
            shift_a=shift_a,
            shift_b=shift_b,
            shift_output=shift_out,
            input_zero_point=self.byte(),
            b_zero_point=self.byte(),
            output_zero_point=self.byte(),
            **self.clamp(),
        )

    def background(self, used_words: int) -> Background:
        """Loads to one of the buffers, behind what a descriptor reads there, and stores, often many."""
        buffer = self.number(0, 1)
        first = used_words * self.engine.word_bytes if buffer else LOADED
        end = self.engine.weight_bytes if buffer else STORED
        return Background(
            load_share=self.number(1, 256),
            load_buffer=buffer,
            load_address=first,
            load_data=self.bytes(min(end - first, 4 * self.number(0, 600))),
            store_share=self.number(1, 200),
            store_line=STORED // self.engine.lanes,
            store_lines=self.number(0, (self.engine.activation_bytes - STORED) // self.engine.lanes),
        )

    def descriptor(self, kind: type[Descriptor]) -> Descriptor:
        return self.addition() if kind is Add else self.layer(kind)
