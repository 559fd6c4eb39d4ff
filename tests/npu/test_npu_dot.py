"""The engine's dot units against NumPy: as written, as the ECP5 flow has them, and the simulator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from compute_bench import replaced_sources

from verilated import build_bench

HERE = Path(__file__).parent
LATENCY = 2
COUNT = 1000


@pytest.fixture(scope="module", params=["portable", "ecp5", "simulator"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [f"midge/rtl/midge_nn_{name}_sum.sv" for name in ("gated", "signed", "selected")]
    sources = replaced_sources([*names, "npu/npu_dot.sv"], request.param)
    folder = tmp_path_factory.mktemp(f"npu-dot-{request.param}")
    return build_bench(folder, "npu_dot_bench", [*sources, HERE / "npu_dot_bench.sv"], "--binary")


@pytest.mark.parametrize("width", [0, 1, 2])
def test_dot_products(program: Path, width: int) -> None:
    """Random digits and activations, then every pair of extremes in all places."""
    random = np.random.default_rng(width)
    weights = random.integers(0, 256, (COUNT, 4)).astype(np.uint8)
    activations = random.integers(-128, 128, (COUNT, 16)).astype(np.int8)
    extremes = [0, 0x7F, 0x80, 0xFF, 0x55, 0xAA, 0x77, 0x88, 0x01, 0x40]
    for n, (byte, activation) in enumerate((b, a) for b in extremes for a in (-128, 127, 0, 1, -1)):
        weights[n], activations[n] = byte, activation
    # All digits of a weight meet the same activation.
    digits = 4 >> width
    activations = np.repeat(activations[:, ::digits], digits, axis=1)

    bits = 8 >> width
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    fields = (weights[:, :, None] >> shifts).astype(np.int64) & ((1 << bits) - 1)
    fields = np.where(fields >> (bits - 1), fields - (1 << bits), fields).reshape(COUNT, -1)
    products = fields * activations[:, ::digits].astype(np.int64)

    numbers = [
        width << 160
        | int.from_bytes(weight.tobytes(), "little") << 128
        | int.from_bytes(activation.tobytes(), "little")
        for weight, activation in zip(weights, activations, strict=True)
    ]
    text = "".join(f"{number:x}\n" for number in [*numbers, *numbers[-1:] * LATENCY])
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines() if len(line.split()) == 2][LATENCY:]
    got = np.array([[int(value, 16) for value in row] for row in rows])
    got = np.where(got >> 17, got - (1 << 18), got)
    np.testing.assert_array_equal(got[:, 0], products.sum(axis=1))
    np.testing.assert_array_equal(got[:, 1], products[:, : products.shape[1] // 2].sum(axis=1))
