"""What of the driver for Linux needs no engine: devices, memory, options, one table of registers."""

from __future__ import annotations

import ast
import os
import re
import struct
import subprocess
import sys
import tomllib
import tty
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from smidgen.npu import onboard
from smidgen.npu.descriptor import table
from smidgen.npu.onboard import EngineError, NeuralEngine
from smidgen.npu.onboard import engine as driver
from smidgen.npu.onboard.memory import MappedRegisters, PynqMemory, ReservedMemory, UioInterrupt
from smidgen.npu.onboard.opening import command_line

SOURCES = sorted(Path(onboard.__file__).parent.glob("*.py"))
STANDARD = sys.stdlib_module_names | {"numpy", "pynq"}


class FixedRegisters:
    """Registers that read what a test says, and keep what is written."""

    def __init__(self, **values: int) -> None:
        capability = 1 << 24 | 15 << 16 | 15 << 8 | 16
        self.values = {"ID": driver.NPU1, "CAPABILITY": capability, **values}
        self.written: dict[int, int] = {}

    def read(self, offset: int) -> int:
        names = {getattr(driver, name): value for name, value in self.values.items()}
        return names.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.written[offset] = value


def registers(repository: Path) -> dict[str, int]:
    described = tomllib.loads((repository / "hw" / "npu" / "registers.toml").read_text())["registers"]
    return {name: offset for name, offset, _, _ in described}


def test_rtl_and_drivers_have_the_registers_of_the_table(repository: Path) -> None:
    described = registers(repository)
    rtl = (repository / "hw" / "npu" / "npu_registers.sv").read_text()
    words = re.findall(r"localparam logic \[9:0\] (\w+) = 10'h([0-9a-f]+);", rtl)
    assert {name: 4 * int(word, 16) for name, word in words} == described
    assert {name: getattr(driver, name) for name in described} == described
    for file in ("kernels/npu/engine.h", "runtime/engine.c"):
        source = (repository / "firmware" / file).read_text()
        constants = {
            name: int(value, 0) for name, value in re.findall(r"SMIDGEN_NPU_(\w+) = (0x\w+|\d+)", source)
        }
        used = constants.keys() & described.keys()
        assert len(used) >= 6 and {name: constants[name] for name in used} == {
            name: described[name] for name in used
        }


def test_the_driver_knows_all_kinds_and_errors() -> None:
    assert {name: kind for kind, name in driver.KINDS.items()} == table()["kinds"]
    assert set(driver.ERRORS) == set(table()["errors"].values())
    assert table()["errors"]["bus"] == driver.BUS
    assert table()["errors"]["busy"] == driver.NOT_STARTED


def test_the_tables_of_the_manual_are_up_to_date(repository: Path) -> None:
    command = [sys.executable, str(repository / "hw" / "npu" / "npu_manual.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_driver_runs_where_there_is_little(path: Path) -> None:
    """Python 3.8, NumPy, and nothing of Smidgen."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= STANDARD
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert (node.module or "").partition(".")[0] in STANDARD
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            assert not node.keywords, "zip(strict=...) needs Python 3.10"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"ID": 0xFFFFFFFF}, "no neural engine is here: register ID reads 0xffffffff"),
        ({"CAPABILITY": 2 << 24 | 15 << 16 | 15 << 8 | 16}, "version 2, this driver is for 1"),
    ],
)
def test_what_is_no_engine_of_ours_is_refused(values: dict[str, int], says: str) -> None:
    with pytest.raises(EngineError, match=says):
        NeuralEngine(FixedRegisters(**values), None)


def test_lists_for_another_engine_are_refused() -> None:
    engine = NeuralEngine(FixedRegisters(), None)
    engine.require(16, 1 << 15, 1 << 14)  # larger buffers do not hurt
    for lanes, activations, weights in (
        (8, 1 << 15, 1 << 15),
        (16, 1 << 16, 1 << 15),
        (16, 1 << 15, 1 << 16),
    ):
        with pytest.raises(EngineError, match=r"compiled for an engine of .*, this one has"):
            engine.require(lanes, activations, weights)


def test_an_engine_that_somebody_aborts_is_noticed() -> None:
    engine = NeuralEngine(FixedRegisters(), None)
    with pytest.raises(EngineError, match="somebody else has aborted"):
        engine.run(np.zeros((1, 16), np.uint32), SimpleNamespace(address=0), [0, 0, 0, 0])


def test_registers_of_a_device_are_read_and_written_as_words(tmp_path: Path) -> None:
    (tmp_path / "mem").write_bytes(bytes(8192))
    mapped = MappedRegisters(4096, tmp_path / "mem")
    mapped.write(0x18, 0xFEDCBA98)
    assert mapped.read(0x18) == 0xFEDCBA98 and mapped.read(0x1C) == 0
    assert (tmp_path / "mem").read_bytes()[4096 + 0x18 :][:4] == bytes.fromhex("98badcfe")
    with pytest.raises(ValueError, match="0x1004 is not that of a page"):
        MappedRegisters(0x1004, tmp_path / "mem")


def test_reserved_memory_is_given_out_in_parts(tmp_path: Path) -> None:
    (tmp_path / "mem").write_bytes(bytes(3 * 4096))
    memory = ReservedMemory(4096, 8192, tmp_path / "mem")
    first, second = memory.allocate(100), memory.allocate(4)
    assert (first.address, second.address) == (4096, 4096 + 128)
    second.array[:4] = (1, 2, 3, 4)
    second.flush()
    assert (tmp_path / "mem").read_bytes()[4096 + 128 :][:4] == bytes((1, 2, 3, 4))
    with pytest.raises(MemoryError, match="8192 bytes do not fit into the 8000 that are left"):
        memory.allocate(8192)


def test_an_interrupt_of_uio_is_armed_and_taken() -> None:
    """A terminal stands in for the device: what is written to one end is read at the other."""
    kernel, device = os.openpty()
    tty.setraw(device)
    interrupt = UioInterrupt(os.ttyname(device))
    interrupt.wait(0.0)  # none came
    interrupt.arm()
    assert os.read(kernel, 4) == struct.pack("=I", 1)
    os.write(kernel, struct.pack("=I", 7))
    interrupt.wait(5.0)
    interrupt.wait(0.0)
    interrupt.close()
    os.close(kernel)
    os.close(device)


def stand_in_for_pynq(monkeypatch: pytest.MonkeyPatch, **names: object) -> list[str]:
    """A module with what PYNQ's documentation says of these names; what is done to its buffers."""
    done: list[str] = []

    class PynqBuffer(np.ndarray):
        device_address = 0x1680_0000

        def flush(self) -> None:
            done.append("flush")

        def invalidate(self) -> None:
            done.append("invalidate")

    def allocate(shape: tuple[int, ...], dtype: str) -> PynqBuffer:
        return np.zeros(shape, dtype).view(PynqBuffer)

    monkeypatch.setitem(sys.modules, "pynq", SimpleNamespace(allocate=allocate, **names))
    return done


def test_memory_of_pynq(monkeypatch: pytest.MonkeyPatch) -> None:
    done = stand_in_for_pynq(monkeypatch)
    buffer = PynqMemory().allocate(100)
    assert buffer.address == 0x1680_0000 and buffer.array.size == 128
    buffer.flush()
    buffer.invalidate()
    assert done == ["flush", "invalidate"]


def test_the_options_of_a_program_on_the_board(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = SimpleNamespace(ip_dict={"npu_0": {"phys_addr": 0x43C0_0000}})
    answering = {0x43C0_0000: FixedRegisters(), 0x4000_0000: FixedRegisters(ID=0)}
    stand_in_for_pynq(
        monkeypatch, Overlay=lambda path: overlay, MMIO=lambda address, size: answering[address]
    )
    engine = command_line("about", ["--bitstream", "npu.bit", "--deadline", "2.5"])
    assert (engine.deadline, engine.lanes) == (2.5, 16)
    for arguments, code, says in (
        (["--bitstream", "npu.bit", "--name", "other"], 2, "the design has no 'other', but npu_0"),
        (["--registers", "0x43c00000"], 2, "give --bitstream, or --registers and --memory"),
    ):
        with pytest.raises(SystemExit) as ended:
            command_line("about", arguments)
        assert ended.value.code == code and says in capsys.readouterr().err
    overlay.ip_dict["npu_0"]["phys_addr"] = 0x4000_0000
    with pytest.raises(SystemExit) as ended:
        command_line("about", ["--bitstream", "npu.bit"])
    assert ended.value.code == 1 and "no neural engine is here" in capsys.readouterr().err
