"""What a list of descriptors does to memory and buffers, with the integer reference's arithmetic.

Descriptors are done one at a time, each as soon as it may: in the order of the list, or in a random one among
those that the hardware could take, in which a wait that the list lacks shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from smidgen.graph.fixed_point import multiply_by_quantized_multiplier, requantize, wrap_int32
from smidgen.npu.descriptor import (
    QUAD,
    TAPS,
    Add,
    Convolution,
    Depthwise,
    Descriptor,
    Engine,
    Load,
    MaxPool,
    Store,
    Window,
    round_up,
)

ADD_LEFT_SHIFT = 20


class Model:
    """An engine's buffers, and the memory that it works on.

    memory: uint8, by address; activations, weights: the buffers, uint8.
    """

    def __init__(self, memory: np.ndarray, engine: Engine | None = None) -> None:
        self.engine = engine or Engine()
        self.memory = memory
        self.activations = np.zeros(self.engine.activation_bytes, np.uint8)
        self.weights = np.zeros(self.engine.weight_bytes, np.uint8)

    def run(
        self,
        descriptors: Sequence[Descriptor],
        bases: Sequence[int],
        random: np.random.Generator | None = None,
    ) -> None:
        """Do a list that `check_list` accepts. bases: what the base registers hold; random: for the order."""
        queues = [deque(), deque(), deque()]
        for index, descriptor in enumerate(descriptors):
            queues[_unit(descriptor)].append((index, descriptor))
        done = [0, 0, 0]
        while any(queues):
            ready = [unit for unit in range(3) if queues[unit] and _may_start(queues[unit][0][1], done)]
            if random is None:
                unit = min(ready, key=lambda unit: queues[unit][0][0])
            else:
                unit = int(random.choice(ready))
            self.do(queues[unit].popleft()[1], bases)
            done[unit] += 1

    def do(self, descriptor: Descriptor, bases: Sequence[int] = (0, 0, 0, 0)) -> None:
        """Do one descriptor, whatever it would wait for."""
        if isinstance(descriptor, Load):
            buffer = self.weights if descriptor.buffer else self.activations
            memory, count = bases[descriptor.base] + descriptor.memory_offset, round_up(descriptor.bytes, 4)
            at = descriptor.buffer_address
            buffer[at : at + count] = self.memory[memory : memory + count]
        elif isinstance(descriptor, Store):
            memory, at = bases[descriptor.base] + descriptor.memory_offset, descriptor.buffer_address
            self.memory[memory : memory + descriptor.bytes] = self.activations[at : at + descriptor.bytes]
        elif isinstance(descriptor, Add):
            self._add(descriptor)
        elif isinstance(descriptor, Convolution):
            self._convolution(descriptor)
        elif isinstance(descriptor, Depthwise):
            self._depthwise(descriptor)
        elif isinstance(descriptor, MaxPool):
            self._max_pool(descriptor)

    def _convolution(self, d: Convolution) -> None:
        lanes, bits = self.engine.lanes, 8 >> d.width
        outputs = self.engine.block_outputs(d)
        bias, multiplier, shift, kernel = self._block_weights(d, outputs)
        # (block, kernel row, chunk, output, lane) to (kernel row, chunk, lane; block, output)
        elements = _elements(kernel, bits).reshape(d.blocks, d.kernel_rows, d.chunks, outputs, lanes)
        matrix = elements.transpose(1, 2, 4, 0, 3).reshape(d.kernel_rows, d.chunks * lanes, -1)
        sums = np.zeros((d.output_rows, d.output_width, d.blocks * outputs))
        starts = np.arange(d.output_width) * d.column_step - d.pad_left_bytes
        places = starts[:, None] + np.arange(d.chunks * lanes)
        for row in range(d.kernel_rows):  # products are exact in float64, where they are fastest
            sums += self._read(d, row, places).astype(np.float64) @ matrix[row].astype(np.float64)
        self._requantize(d, sums.astype(np.int64), bias, multiplier, shift)

    def _depthwise(self, d: Depthwise) -> None:
        lanes = self.engine.lanes
        bias, multiplier, shift, kernel = self._block_weights(d, lanes)
        # (block, kernel row, tap, lane) to (kernel row, tap, channel); a narrow kernel has the last taps
        taps = kernel.view(np.int8).reshape(d.blocks, d.kernel_rows, TAPS, lanes).transpose(1, 2, 0, 3)
        taps = taps.reshape(d.kernel_rows, TAPS, -1).astype(np.int64)
        sums = np.zeros((d.output_rows, d.output_width, d.blocks * lanes), np.int64)
        for row in range(d.kernel_rows):
            for column in range(d.kernel_width):
                sums += (
                    self._read(d, row, self._channel_places(d, column)) * taps[row, column - d.kernel_width]
                )
        self._requantize(d, sums, bias, multiplier, shift)

    def _max_pool(self, d: MaxPool) -> None:
        largest = np.max(
            [
                self._read(d, row, self._channel_places(d, column))
                for row in range(d.kernel_rows)
                for column in range(d.kernel_width)
            ],
            axis=0,
        )
        self._write(d, np.clip(largest, d.clamp_min, d.clamp_max))

    def _add(self, d: Add) -> None:
        def scaled(address: int, zero_point: int, multiplier: int, shift: int) -> np.ndarray:
            values = self.activations[address : address + d.bytes].view(np.int8).astype(np.int64)
            return multiply_by_quantized_multiplier(
                (values - zero_point) << ADD_LEFT_SHIFT, multiplier, shift
            )

        total = scaled(d.a_address, d.input_zero_point, d.multiplier_a, d.shift_a)
        total = total + scaled(d.b_address, d.b_zero_point, d.multiplier_b, d.shift_b)
        clamp = (d.clamp_min, d.clamp_max)
        result = requantize(
            wrap_int32(total), d.multiplier_output, d.shift_output, d.output_zero_point, clamp
        )
        at = d.output_address
        self.activations[at : at + d.bytes] = result.astype(np.int8).view(np.uint8)

    def _channel_places(self, d: Depthwise | MaxPool, column: int) -> np.ndarray:
        """Bytes in a row of all channels of a column of every window: (output width, blocks * lanes)."""
        starts = (np.arange(d.output_width) * d.stride_x + column) * d.column_step - d.pad_left_bytes
        return starts[:, None] + np.arange(d.blocks * self.engine.lanes)

    def _read(self, d: Window, kernel_row: int, places: np.ndarray) -> np.ndarray:
        """Bytes of a kernel row of all windows, int64: (output rows, output width, ...).

        places: where they lie in a row of the image, (output width, ...).
        """
        line = np.arange(d.output_rows)
        row = line * d.stride_y + kernel_row - d.pad_top
        address = d.input_address + line * d.row_step + (kernel_row - d.pad_top) * d.input_row_bytes
        inside = ((row >= 0) & (row < d.input_rows))[:, None, None]
        inside = inside & (places >= 0) & (places < d.input_row_bytes)
        values = self.activations[(address[:, None, None] + places) % self.activations.size].view(np.int8)
        return np.where(inside, values, d.input_zero_point).astype(np.int64)

    def _block_weights(self, d: Window, outputs: int) -> tuple[np.ndarray, ...]:
        """Bias, multiplier and shift of all outputs, and the bytes of the kernel's words of all blocks."""
        word_bytes, words = self.engine.word_bytes, self.engine.block_words(d)
        start = d.weight_word * word_bytes
        blocks = self.weights[start : start + d.blocks * words * word_bytes].reshape(d.blocks, -1)
        quad_bytes = self.engine.quad_words * word_bytes
        quads = outputs // QUAD
        parameters = blocks[:, : quads * quad_bytes].reshape(d.blocks * quads, quad_bytes)
        numbers = np.ascontiguousarray(parameters).view("<i4").astype(np.int64)
        each = [numbers[:, first : first + QUAD].reshape(-1) for first in (0, QUAD, 2 * QUAD)]
        return *each, np.ascontiguousarray(blocks[:, quads * quad_bytes :])

    def _requantize(
        self, d: Window, sums: np.ndarray, bias: np.ndarray, multiplier: np.ndarray, shift: np.ndarray
    ) -> None:
        total = wrap_int32(sums + bias)
        clamp = (d.clamp_min, d.clamp_max)
        self._write(d, requantize(total, multiplier, shift, d.output_zero_point, clamp))

    def _write(self, d: Window, results: np.ndarray) -> None:
        """Results of whole blocks, of which the words with channels are written, a block after the other."""
        count = round_up(d.channels, QUAD)
        rows = np.arange(d.output_rows)[:, None, None] * d.output_row_bytes
        columns = np.arange(d.output_width)[:, None] * d.output_pixel_bytes
        places = d.output_address + rows + columns + np.arange(count)
        self.activations[places] = results[..., :count].astype(np.int8).view(np.uint8)


def _elements(kernel: np.ndarray, bits: int) -> np.ndarray:
    """Packed weights, the first in the lowest bits, as int8."""
    if bits == 8:
        return kernel.view(np.int8).reshape(-1)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    fields = (kernel.reshape(-1, 1) >> shifts) << np.uint8(8 - bits)
    return (fields.view(np.int8) >> (8 - bits)).reshape(-1)


def _unit(descriptor: Descriptor) -> int:
    """0 loads, 1 computes, 2 stores."""
    return 0 if isinstance(descriptor, Load) else 2 if isinstance(descriptor, Store) else 1


def _may_start(descriptor: Descriptor, done: Sequence[int]) -> bool:
    waits = (descriptor.after_loads, descriptor.after_computes, descriptor.after_stores)
    return all(count >= wait for count, wait in zip(done, waits, strict=True))
