"""The agent on the simulated core: the whole conversation, what traps say, and the bars on size and speed."""

from __future__ import annotations

import json
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
import toy
from elftools.elf.elffile import ELFFile
from smp.os_management import ResetWriteRequest, ResetWriteResponse
from wire import framed

from smidgen.device import protocol
from smidgen.device.frames import FrameReader
from smidgen.device.simulated_device import MidgeDevice
from smidgen.device.simulators import verilator
from smidgen.errors import DeviceError
from smidgen.golden import checksum

CONFIGURATION = "midge-rv32imc"
A = np.arange(1000).astype(np.int8).reshape(1, 1000)
B = np.arange(8).astype(np.int8)


def test_the_core_serves_the_model(midge_agent: Path) -> None:
    model = toy.ToyModel()
    with MidgeDevice(midge_agent, CONFIGURATION) as device:
        described = device.describe()
        assert (described.board, described.model, described.clock_hz) == ("midge", "toy", 40_000_000)
        assert [(one.name, one.shape, one.scale, one.zero_point) for one in described.inputs] == [
            ("a", (1, 1000), 0.5, -3), ("b", (8,), None, 0)
        ]  # fmt: skip
        assert [layer.name for layer in described.layers] == ["sum", "accumulate", "split"]
        runs = [device.run([A, B]) for _ in range(2)]
        for run in runs:
            for actual, expected in zip(run.outputs, model.run(A, B), strict=True):
                np.testing.assert_array_equal(actual, expected)
        assert runs[0].cycles == runs[1].cycles >= runs[0].instructions == runs[1].instructions > 0
        sums = [one.crc for one in device.layer_checksums([A, B])]
        assert sums == [checksum(tensor) for tensor in model.tensors(A, B)]
        assert device.selftest().layer == "split"


def test_layer_cycles_sum_to_the_whole(midge_agent: Path) -> None:
    with MidgeDevice(midge_agent, CONFIGURATION) as device:
        profile = device.profile([A, B])
    for name in ("cycles", "instructions"):
        total = sum(getattr(layer, name) for layer in profile.layers)
        assert total == pytest.approx(getattr(profile.run, name), rel=0.01)
    assert 0 < profile.overhead_cycles < 2000
    assert 0 < profile.cost_instructions <= profile.cost_cycles < 300


def test_high_water_marks_lie_within_what_is_reserved(midge_agent: Path) -> None:
    with MidgeDevice(midge_agent, CONFIGURATION) as device:
        device.run([A, B])
        use = device.memory()
    assert use.arena_used_bytes == use.arena_bytes == 4008
    assert 0 < use.stack_run_bytes < use.stack_used_bytes < use.stack_bytes == 2048
    with midge_agent.open("rb") as file:
        sections = {one.name: one for one in ELFFile(file).iter_sections()}
        data = [sections[name].data_size for name in (".stack", ".data", ".bss")]
        assert use.flash_bytes == sections[".rodata"]["sh_addr"] + sections[".rodata"].data_size + data[1]
    assert use.ram_bytes == pytest.approx(sum(data) + use.arena_bytes, abs=32)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("-DTOY_TRAP=0x40000000u", r"^run: the firmware trapped: load access fault"),
        ("-DTOY_DEEP -Wno-infinite-recursion", r"^run: the firmware trapped: store access fault"),
        ("-DTOY_OVERRUN", r"^run: the device refused: the model wrote behind its arena"),
    ],
)
def test_a_model_that_misbehaves_is_reported(tmp_path: Path, flag: str, message: str) -> None:
    image = toy.build_midge(tmp_path, flags=tuple(flag.split()))
    with MidgeDevice(image, CONFIGURATION) as device, pytest.raises(DeviceError, match=message):
        device.run([A, B])


def test_a_trap_is_reported_with_its_cause_and_place(tmp_path: Path) -> None:
    image = toy.build_midge(tmp_path, flags=("-DTOY_TRAP=0x40000000u",))
    data = bytes(1008)
    request = protocol.RunRequest(t=1, r=1, mode=0, crc=zlib.crc32(data))
    pieces = [protocol.InputRequest(t=1, off=at, data=data[at : at + 504]) for at in (0, 504)]
    result = simulate(image, [*pieces, request])
    assert result.returncode == protocol.FAULT_EXIT_CODE + 5
    *_, frame = FrameReader().feed(result.stdout)
    fault = protocol.parse(frame, request, protocol.RunReply)
    assert isinstance(fault, protocol.Fault)
    assert (fault.cause, fault.address, fault.layer) == (5, 0x40000000, 1)
    with image.open("rb") as file:
        (symbol,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name("toy_run")
    assert 0 < fault.pc - symbol["st_value"] + 400 < 800


# Registers in funct7, elements in rs2; the last is lda but for its funct7, which no instruction has.
BAD_INSTRUCTIONS = {
    "a width that there is not": ("li t0, 3; .insn r 0x0b, 0, 0, x0, t0, x0", "set shape"),
    "an accumulator out of range": ("li t0, 1; .insn r 0x0b, 1, 16, t0, x0, x1", "get accumulator"),
    "an unknown mode": (".insn r 0x0b, 3, 1, x0, x0, x0", "unknown, opcode custom-0"),
}


@pytest.mark.parametrize("configuration", ["midge-rv32imc", "midge"])
@pytest.mark.parametrize("case", BAD_INSTRUCTIONS)
def test_a_bad_instruction_is_reported_with_its_layer(tmp_path: Path, case: str, configuration: str) -> None:
    """Without the extension every instruction of it is a bad one."""
    code, name = BAD_INSTRUCTIONS[case]
    image = toy.build_midge(tmp_path, flags=(f'-DTOY_INSTRUCTION="{code}"',))
    with MidgeDevice(image, configuration) as device, pytest.raises(DeviceError) as error:
        device.run([A, B])
    text = str(error.value)
    assert "run: the firmware trapped: illegal instruction (cause 2), instruction 0x" in text
    assert f"({name})" in text
    assert "in layer 1 ('accumulate', ADD)" in text


def test_a_reset_starts_the_firmware_again(midge_agent: Path) -> None:
    with MidgeDevice(midge_agent, CONFIGURATION) as device:
        first = device.run([A, B])
        reply = device.client.ask(device._query("reset"), ResetWriteRequest, ResetWriteResponse)
        assert isinstance(reply, ResetWriteResponse)
        again = device.run([A, B])  # with the state's initial value
    for one, other in zip(first.outputs, again.outputs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_agent_fits_sixteen_kibibytes(tmp_path: Path) -> None:
    image = toy.build_midge(tmp_path, flags=("-Wl,-Map," + str(tmp_path / "map"),))
    with image.open("rb") as file:
        sections = {one.name: one.data_size for one in ELFFile(file).iter_sections()}
    # The toy model is in it too.
    assert sections[".text"] + sections[".rodata"] <= 16 * 1024
    assert sections[".data"] + sections[".bss"] <= 1536


def test_bulk_transfers_take_at_most_sixty_cycles_a_byte(tmp_path: Path) -> None:
    """Framing, base64 and both checksums included, at the simulator's own line speed."""
    size = 20_000
    image = toy.build_midge(tmp_path, size=size)
    data = bytes(i * 7 & 255 for i in range(size + 8))
    pieces = [
        protocol.InputRequest(sequence=1 + i % 255, t=1, off=off, data=data[off : off + 512])
        for i, off in enumerate(range(0, len(data), 512))
    ]
    model = [protocol.RunRequest(sequence=0, t=1, r=1, mode=0, crc=zlib.crc32(data))]
    reads = [
        protocol.OutputRequest(sequence=1 + i % 255, t=1, r=1, off=off, len=min(512, 2 * size - off))
        for i, off in enumerate(range(0, 2 * size, 512))
    ]
    boot = simulated_cycles(image, tmp_path, [])
    sent = simulated_cycles(image, tmp_path, pieces)
    run = simulated_cycles(image, tmp_path, pieces + model)
    read = simulated_cycles(image, tmp_path, pieces + model + reads)
    with MidgeDevice(image, CONFIGURATION) as device:
        inputs = [np.zeros((1, size), np.int8), np.zeros(8, np.int8)]
        model_alone = device.run(inputs).cycles
    # What a run costs beside the model (both checksums over whole tensors, the copy, painting the stack) is
    # shared out over all bytes that went in and out.
    beside = (run - sent - model_alone) / (len(data) + 2 * size)
    assert (sent - boot) / len(data) + beside <= 60
    assert (read - run) / (2 * size) + beside <= 60


def simulate(image: Path, requests: list, *options: str) -> subprocess.CompletedProcess:
    """The simulator with these requests on its standard input; it ends when they are answered."""
    line = b"".join(framed(bytes(request)) for request in requests)
    command = [str(verilator.build(CONFIGURATION)), "--image", str(image), *options]
    return subprocess.run(command, input=line, capture_output=True, check=False)


def simulated_cycles(image: Path, folder: Path, requests: list) -> int:
    """Cycles until the agent has answered all requests; time stands still while it waits for more."""
    stats = folder / "stats.json"
    result = simulate(image, requests, "--stats", str(stats))
    assert result.returncode == 0
    assert sum(1 for _ in FrameReader().feed(result.stdout)) == len(requests)
    return json.loads(stats.read_text())["cycles"]
