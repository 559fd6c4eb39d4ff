"""The ULX3S with its SDRAM, simulated behind its pins, answers as the reference does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from smidgen.compile.build import build
from smidgen.compile.bundle import BIN
from smidgen.fpga.bitstream import SYSTEM, parameters
from smidgen.fpga.flow import CONTENTS
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.paths import data_folder
from smidgen.run.inputs import load_inputs
from smidgen.targets import Target, load_target

HERE = Path(__file__).parent
BOARD = "ulx3s-85f-sdram"
# The board's module with what it is made of, and around them models; the pins' clock is twice as fast.
PARTS = ("boards/fpga_system_sdram.sv", "boards/ecp5_sdram_pins.sv", "boards/ulx3s_sdram.sv")
MODELS = ("sim/ecp5_sdram_clock.sv", "sim/ecp5/pins.sv", "sim/sdram_chip.sv")
MAIN = ("sim/ecp5/netlist_sim.cpp", "sim/uart_host.cpp")
PIN_CLOCKS = 2


def make_simulator(target: Target, program: bytes, folder: Path) -> None:
    """Writes the simulator of the board and what its program memory holds into `folder`."""
    for lane in range(4):
        text = "".join(f"{byte:02x}\n" for byte in program[lane::4])
        (folder / f"{CONTENTS}.{lane}").write_text(text)
    hw = data_folder("hw")
    values = parameters(target)
    given = [f".{name}({json.dumps(value)})" for name, value in values.items()]
    names = [*(hw / "sources.f").read_text().split(), *SYSTEM, *PARTS, *MODELS]
    command = [
        "verilator", "--cc", "--exe", "--build", "-Wno-fatal", "--noassert", "-O3",
        "--x-assign", "fast", "--x-initial", "fast", "-DBOARD_PARAMETERS=" + ",".join(given),
        f"-GCYCLES_PER_BIT={PIN_CLOCKS * (values['CLOCK_HZ'] // values['BAUD'])}",
        "--top-module", "sdram_board", "--prefix", "Vnetlist_board", "-Mdir", "build", "-o", "netlist-sim",
        "-CFLAGS", "-std=c++17", "-LDFLAGS", "-lutil",
        "-MAKEFLAGS", "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1",
        *(str(hw / name) for name in names), str(HERE / "sdram_board.sv"), *(str(hw / name) for name in MAIN),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("verilator") is None, reason="needs verilator")
@pytest.mark.skipif(shutil.which("riscv64-unknown-elf-gcc") is None, reason="needs riscv64-unknown-elf-gcc")
def test_digits_through_the_serial_pin_with_everything_in_the_sdram(repository: Path, tmp_path: Path) -> None:
    """The chip ends the simulation at whatever its data sheet forbids."""
    from benchmarks.netlist import run

    target = load_target(BOARD)
    digits = repository / "examples" / "digits"
    graph = load_model(digits / "digits_int8.tflite")
    (sample,) = load_inputs(graph, digits / "digits_test.npz", 1).samples
    bundle = build(graph, target, tmp_path / "bundle")
    make_simulator(target, (bundle.folder / BIN).read_bytes(), tmp_path)
    (expected,) = Reference(graph).run(sample).outputs
    output, _ = run(tmp_path, sample, expected.nbytes)
    assert output == expected.tobytes()
