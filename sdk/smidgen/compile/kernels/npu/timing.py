"""Cycles that the engine takes for a list, predicted: its three units side by side, on memories of one word
per cycle.

What a unit takes for one descriptor follows from the hardware; what surrounds that was measured on the
simulated engine. `smidgen profile` shows the error of every prediction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from smidgen.compile.kernels.npu import WEIGHTS
from smidgen.compile.kernels.npu.lists import COMPUTE, LOAD, STORE, unit_of
from smidgen.npu.descriptor import (
    QUAD,
    WORDS,
    Add,
    Convolution,
    Depthwise,
    Descriptor,
    Engine,
    MaxPool,
    Transfer,
    Window,
)

QUEUE = 8  # descriptors of each unit that are fetched ahead
# Cycles around the work itself.
FETCH = 24  # of a descriptor
START_LOAD, START_STORE = 24, 32
START_COMPUTE, START_BLOCK = 28, 2
ADD_PASSES = 3  # of each word through the requantizer
CALL = 90  # the core: setting the engine up, and waking up


def work(descriptor: Descriptor, engine: Engine) -> int:
    """Cycles of a descriptor whose unit waits for nothing."""
    if isinstance(descriptor, Transfer):
        start = START_LOAD if unit_of(descriptor) == LOAD else START_STORE
        return start + -(-descriptor.bytes // 4)
    if isinstance(descriptor, Add):
        return START_COMPUTE + ADD_PASSES * descriptor.bytes // QUAD
    assert isinstance(descriptor, Window)
    return START_COMPUTE + descriptor.blocks * (START_BLOCK + _block(descriptor, engine))


def _block(d: Window, engine: Engine) -> int:
    """Cycles of one block of output channels."""
    least = min(engine.block_outputs(d), d.channels + 3) // QUAD  # the requantizer's, of a pixel
    if isinstance(d, Convolution):
        return d.output_rows * d.output_width * max(d.kernel_rows * d.chunks, least)
    if isinstance(d, MaxPool):
        return d.output_rows * d.output_width * max(d.kernel_rows * d.kernel_width, least)
    assert isinstance(d, Depthwise)
    columns = d.kernel_width - d.stride_x  # before the first output that the requantizer may hold up
    return d.output_rows * (
        max(columns, 0) * d.kernel_rows + d.output_width * max(d.stride_x * d.kernel_rows, least)
    )


def list_cycles(descriptors: Sequence[Descriptor], engine: Engine) -> int:
    """Cycles from the start of a list to its end."""
    return round(max(list_ends(descriptors, engine)))


def list_ends(descriptors: Sequence[Descriptor], engine: Engine) -> list[float]:
    """When each descriptor ends, in cycles from the start of its list."""
    waiting = deque(enumerate(descriptors))
    queues: list[deque[Descriptor]] = [deque(), deque(), deque()]
    indices: list[deque[int]] = [deque(), deque(), deque()]
    ends = [0.0] * len(descriptors)
    left: list[float | None] = [None, None, None]  # cycles that each unit's descriptor still needs
    now, done, fetching = 0.0, [0, 0, 0], float(FETCH)
    while waiting or any(queues):
        for unit in range(3):
            if left[unit] is None and queues[unit] and _may_start(queues[unit][0], done):
                left[unit] = float(work(queues[unit][0], engine))
        can_fetch = bool(waiting) and (fetching > 0 or len(queues[unit_of(waiting[0][1])]) < QUEUE)
        if can_fetch and fetching <= 0:
            index, descriptor = waiting.popleft()
            queues[unit_of(descriptor)].append(descriptor)
            indices[unit_of(descriptor)].append(index)
            fetching = float(FETCH)
            continue
        rates = _rates(queues, left)
        if waiting and fetching > 0:
            rates[LOAD] *= 1 - WORDS / FETCH  # both read over the same port
        steps = [amount / rate for amount, rate in zip(left, rates, strict=True) if amount is not None]
        step = min([*steps, fetching] if waiting and fetching > 0 else steps)
        now += step
        fetching -= step
        for unit, rate in enumerate(rates):
            amount = left[unit]
            if amount is not None:
                left[unit] = amount - step * rate
                if left[unit] < 1e-6:
                    left[unit] = None
                    queues[unit].popleft()
                    ends[indices[unit].popleft()] = now
                    done[unit] += 1
    return ends


def _may_start(descriptor: Descriptor, done: Sequence[int]) -> bool:
    return (
        done[LOAD] >= descriptor.after_loads
        and done[COMPUTE] >= descriptor.after_computes
        and done[STORE] >= descriptor.after_stores
    )


def _rates(queues: Sequence[deque[Descriptor]], left: Sequence[float | None]) -> list[float]:
    """How fast each unit's work proceeds while all of them work that do now."""
    rates = [1.0, 1.0, 1.0]
    if left[STORE] is None:
        return rates
    if left[LOAD] is not None:
        load = queues[LOAD][0]
        assert isinstance(load, Transfer)
        if load.base != WEIGHTS:  # the same memory, which does one access in a cycle
            rates[LOAD] = rates[STORE] = 0.5
    rates[COMPUTE] -= rates[STORE] / 4  # a store reads a line of four words
    return rates
