"""The netlist that nextpnr places on the ULX3S, simulated, answers as the reference does, byte for byte.

python -m benchmarks.netlist: the whole board behind its pins, at its baud rate, with the digits' program in
its block RAMs. It takes long: synthesis (cached), a simulator of all cells, and some million cycles.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

from smidgen.compile.build import build
from smidgen.compile.bundle import BIN
from smidgen.device import protocol
from smidgen.device.client import Client, Stage
from smidgen.device.protocol import RunMode
from smidgen.device.simulators.process import await_port, launch, port_of_uart_line
from smidgen.device.transports import Port
from smidgen.errors import BuildError, Problem, SmidgenError
from smidgen.fpga.bitstream import synthesize
from smidgen.fpga.simulation import VERILOG, models, write_simulated
from smidgen.graph.reference import Reference
from smidgen.importers import load_model
from smidgen.paths import data_folder
from smidgen.report.tables import print_table
from smidgen.run.inputs import load_inputs
from smidgen.targets import Target, load_target

DIGITS = Path(__file__).parents[1] / "examples" / "digits"
_PATIENCE_SECONDS = 4 * 3600.0  # for an answer; asking again would only be more to simulate


def main() -> int:
    target = load_target("ulx3s-85f")
    graph = load_model(DIGITS / "digits_int8.tflite")
    (sample,) = load_inputs(graph, DIGITS / "digits_test.npz", 1).samples
    with tempfile.TemporaryDirectory(prefix="smidgen-netlist-") as temporary:
        folder = Path(temporary)
        bundle = build(graph, target, folder / "bundle")
        make_simulator(target, (bundle.folder / BIN).read_bytes(), folder)
        _say("simulating")
        start = time.monotonic()
        (expected,) = Reference(graph).run(sample).outputs
        output, cycles = run(folder, sample, expected.nbytes)
        seconds = time.monotonic() - start
    same = output == expected.tobytes()
    rows = [
        ("output of the netlist", output.hex(" ")),
        ("of the reference", expected.tobytes().hex(" ")),
        ("equal", "yes" if same else "no"),
        ("cycles of the inference, as the core counts them", f"{cycles:,}"),
        ("seconds of simulation", f"{seconds:,.0f}"),
    ]
    print_table(["", "value"], rows, title=f"{target.name}, its netlist, digits")
    return 0 if same else 1


def make_simulator(target: Target, program: bytes, folder: Path) -> None:
    """Writes the simulator of the board and what its block RAMs hold into `folder`."""
    assert target.fpga is not None and target.serial is not None and target.core.clock_hz is not None
    made = synthesize(target, _say)
    _say("making a simulator of the netlist (many minutes)")
    write_simulated(made, target.fpga.top.stem, folder, program)
    hw = data_folder("hw")
    command = [
        "verilator", "--cc", "--exe", "--build", "-Wno-fatal", "--noassert", "-O3",
        "--x-assign", "fast", "--x-initial", "fast", "--output-split", "20000",
        "--top-module", "netlist_board", "-Mdir", "build", "-o", "netlist-sim",
        f"-GCYCLES_PER_BIT={target.core.clock_hz // target.serial.baud}",
        "-CFLAGS", "-std=c++17", "-LDFLAGS", "-lutil",
        "-MAKEFLAGS", "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1",
        *models(), VERILOG, str(hw / "soc" / "uart_phy.sv"), str(hw / "sim" / "ecp5" / "netlist_board.sv"),
        str(hw / "sim" / "ecp5" / "netlist_sim.cpp"), str(hw / "sim" / "uart_host.cpp"),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(Problem("verilator", f"it failed:\n{(done.stdout + done.stderr)[-3000:]}"))


def run(folder: Path, sample: list[np.ndarray], size: int) -> tuple[bytes, int]:
    """The output of `size` bytes that the simulated board answers with, and the cycles that it says it took.

    Asks only for what is needed, once: a byte takes the line thousands of cycles.
    """
    data = b"".join(array.tobytes() for array in sample)
    command = [str(folder / "build" / "netlist-sim")]
    with launch("the netlist's simulator", lambda _: command, working_folder=folder) as simulator:
        await_port(simulator, port_of_uart_line)
        port = Port(simulator.port)
        client = Client(port, retry_seconds=_PATIENCE_SECONDS)
        stage = Stage("netlist", _PATIENCE_SECONDS)
        client.ask(stage, protocol.InputRequest, protocol.InputReply, t=1, off=0, data=data)
        ran = client.ask(
            stage,
            protocol.RunRequest,
            protocol.RunReply,
            t=1,
            r=1,
            mode=int(RunMode.PLAIN),
            crc=zlib.crc32(data),
        )
        answer = client.ask(stage, protocol.OutputRequest, protocol.OutputReply, t=1, r=1, off=0, len=size)
        port.close()
    return answer.data, ran.cycles


def _say(stage: str) -> None:
    print(stage, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SmidgenError as error:
        sys.exit(str(error))
