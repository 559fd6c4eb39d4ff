"""The Raspberry Pi Pico: its boot words, and the agent on the RP2040 in rp2040js."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import toy
from smp.os_management import ResetWriteRequest, ResetWriteResponse

from smidgen.compile.board_header import header_words
from smidgen.device.simulated_device import QemuDevice, Rp2040Device
from smidgen.device.simulators import qemu, rp2040js
from smidgen.errors import DeviceError
from smidgen.golden import checksum
from smidgen.targets import load_target

pytestmark = pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="needs arm-none-eabi-gcc")

SOURCE = Path(__file__).parent / "firmware" / "pico_boot.S"
A = np.arange(1000).astype(np.int8).reshape(1, 1000)
B = np.arange(8).astype(np.int8)


def test_the_boot_words_are_those_of_their_source(tmp_path: Path) -> None:
    words = header_words(load_target("pico").board.boot_header)
    assembled, binary = tmp_path / "boot.o", tmp_path / "boot.bin"
    subprocess.run(["arm-none-eabi-gcc", "-c", str(SOURCE), "-o", str(assembled)], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(assembled), str(binary)], check=True)
    code = binary.read_bytes().ljust(252, b"\xff")
    assert np.array(words[:63], "<u4").tobytes() == code
    assert words[63:] == [crc32_of_the_boot_rom(code)]


def crc32_of_the_boot_rom(data: bytes) -> int:
    """Most significant bit first, starting from all ones, not inverted at the end."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x104C11DB7 if remainder >> 31 else 0)
    return remainder


@pytest.fixture(scope="module")
def pico_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with the toy model for the Pico, where rp2040js is there or can be fetched."""
    try:
        rp2040js.package()
    except DeviceError as error:
        pytest.skip(str(error))
    return toy.build_board(tmp_path_factory.mktemp("pico"), "pico")


@pytest.mark.slow
def test_the_pico_serves_the_model(pico_agent: Path) -> None:
    model = toy.ToyModel()
    with Rp2040Device(pico_agent) as device:
        described = device.describe()
        assert (described.board, described.model, described.clock_hz) == ("pico", "toy", 125_000_000)
        runs = [device.run([A, B]) for _ in range(2)]
        for run in runs:
            for actual, expected in zip(run.outputs, model.run(A, B), strict=True):
                np.testing.assert_array_equal(actual, expected)
        assert runs[0].cycles is None
        assert runs[0].instructions == runs[1].instructions > 6000
        assert [one.crc for one in device.layer_checksums([A, B])] == [
            checksum(tensor) for tensor in model.tensors(A, B)
        ]
        profile = device.profile([A, B])
        counts = [layer.instructions for layer in profile.layers]
        assert 0 <= profile.run.instructions - sum(counts) < 40
        assert device.selftest().layer == "split"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which(qemu.PROGRAM), reason="needs qemu-system-arm")
def test_two_simulators_count_the_same(pico_agent: Path, tmp_path: Path) -> None:
    """On the RP2040 in rp2040js, which counts one by one, and on a Cortex-M0 in QEMU."""
    same_core = ("-mcpu=cortex-m0plus",)
    microbit = toy.build_board(tmp_path, "microbit", flags=same_core)
    counts = []
    for device in (Rp2040Device(pico_agent), QemuDevice(microbit, "microbit")):
        with device:
            profile = device.profile([A, B])
        layers = [layer.instructions for layer in profile.layers]
        counts.append((layers, profile.run.instructions, profile.profiled_instructions))
    assert counts[0] == counts[1]


@pytest.mark.slow
def test_a_reset_starts_the_firmware_again(pico_agent: Path) -> None:
    with Rp2040Device(pico_agent) as device:
        first = device.run([A, B])
        device.client.ask(device._query("reset"), ResetWriteRequest, ResetWriteResponse)
        again = device.run([A, B])  # with the state's initial value
    for one, other in zip(first.outputs, again.outputs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_flash_with_a_wrong_boot_checksum_is_refused(pico_agent: Path, tmp_path: Path) -> None:
    image = bytearray(pico_agent.read_bytes())
    words = header_words(load_target("pico").board.boot_header)
    at = bytes(image).index(np.array(words, "<u4").tobytes())
    image[at] ^= 1
    broken = tmp_path / "broken.elf"
    broken.write_bytes(image)
    with pytest.raises(DeviceError, match=r"^start of rp2040js: .*wrong checksum"):
        Rp2040Device(broken).load()


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_a_missing_tool_is_one_error_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    others = tmp_path / "bin"
    others.mkdir()
    for name in {"node", "npm"} - {missing}:
        (others / name).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(others))
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DeviceError, match=rf"(?s)^{missing}: not found.*apt install nodejs npm"):
        Rp2040Device(tmp_path / "never.elf").load()


def test_npm_without_a_network_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "node").symlink_to("/bin/true")
    (tools / "npm").write_text("#!/bin/sh\necho npm error code ENOTFOUND >&2\nexit 1\n")
    (tools / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/bin:/usr/bin")
    monkeypatch.setenv("SMIDGEN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DeviceError, match=r"(?s)^rp2040js: npm cannot fetch .*ENOTFOUND.*needs the network"):
        Rp2040Device(tmp_path / "never.elf").load()
