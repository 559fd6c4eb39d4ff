"""Weights of the DSP kernels: where product.h looks for them, and in no more bytes than they may take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels import kernels_for
from smidgen.compile.kernels.dsp.packing import pack
from smidgen.compile.lower import lower
from smidgen.compile.plan import plan
from smidgen.compile.select import Selector
from smidgen.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected
from smidgen.importers import load_model


@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad", "sww"])
def test_models_stay_within_their_bytes(model: str, shared_data: Path) -> None:
    """1.05 times the weights at their bits, and 9 bytes per output channel."""
    graph, _ = lower(load_model(shared_data / "mlperf_tiny" / f"{model}_int8.tflite"))
    weights = outputs = 0
    for node in graph.nodes:
        if isinstance(node.operator, Conv2D | DepthwiseConv2D | FullyConnected):
            weights += graph.tensor(node.inputs[1]).elements
            outputs += graph.tensor(node.outputs[0]).shape[-1]
    schedule = plan(assemble(graph, Selector(kernels_for(["dsp", "portable"]))))
    assert any(call.kernel_set == "dsp" for call in schedule.calls)
    stored = sum(blob.bytes for blob in schedule.blobs.values() if blob.what != "table")
    assert stored <= 1.05 * weights + 9 * outputs


@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize(("count", "depth"), [(4, 4), (8, 12), (7, 8), (9, 4)])
def test_words_hold_every_weight_where_the_kernels_look(count: int, depth: int, bits: int) -> None:
    limit = 1 << (bits - 1)
    weights = np.random.default_rng(count * depth + bits).integers(1 - limit, limit, (count, depth))
    words = pack(weights, bits, "right").astype(np.int64).reshape(-1, depth // 4, bits // 2)
    for block, quads in enumerate(words):
        first = min(4 * block, count - 4)
        for k in range(depth):
            quad, pair, half = quads[k // 4], k % 2, k % 4 // 2
            for c in range(4):
                word = quad[2 * pair + c // 2 if bits == 8 else pair if bits == 4 else 0]
                lane = int(word >> 16 * half) & 0xFFFF
                if bits == 8:
                    joined = (lane ^ 0x8000) - 0x8000
                    lower = ((joined & 0xFF) ^ 0x80) - 0x80
                    value = lower if c % 2 == 0 else (joined - lower) // 256
                else:
                    field = lane >> ((8 * pair if bits == 2 else 0) + c * bits) & (2 * limit - 1)
                    value = field - limit if c < 3 else (field ^ limit) - limit
                assert value == weights[first + c, k]
