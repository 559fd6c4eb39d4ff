"""Firmware for boards: its size, its header, what does not fit, flags that contradict the target."""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from compile_graphs import constant, graph, tensor
from elftools.elf.elffile import ELFFile

from smidgen.compile.board_header import header_words
from smidgen.compile.build import build
from smidgen.device.flashing import flash_command
from smidgen.errors import BuildError
from smidgen.graph import Graph, Node
from smidgen.graph.operators import FullyConnected
from smidgen.importers import load_model
from smidgen.targets import Target, list_targets, load_target

pytestmark = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")

AGENT_LIMIT = 16 * 1024
TARGETS = [load_target(name) for name in list_targets()]
ARM = [target.name for target in TARGETS if target.toolchain.compiler.startswith("arm-")]
FAST = ("mps2-an386", "microbit")
FLASH = '[memory.flash]\nkind = "flash"\norigin = 0x0800_0000\nlength = '
RAM = '[memory.sram]\nkind = "ram"\norigin = 0x2000_0000\nlength = '


@pytest.fixture(scope="module")
def model() -> Graph:
    """One fully connected layer."""
    weights = np.random.default_rng(1).integers(-127, 128, (64, 100)).astype(np.int8)
    tensors = [tensor("x", (1, 100)), constant("w", weights, 0.01), tensor("y", (1, 64), 20.0)]
    tensors.append(constant("b", np.arange(64, dtype=np.int32), 0.005))
    return graph(tensors, [Node("fc", FullyConnected(), ("x", "w", "b"), ("y",))], ["x"], ["y"], name="fc")


def changed(folder: Path, base: str, **changes: str) -> Target:
    """A copy of a target with other texts in it."""
    text = load_target(base).path.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "myboard.toml"
    path.write_text(text)
    return load_target(path)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in ARM]
)
def test_it_links_and_the_agent_is_small(name: str, model: Graph, tmp_path: Path) -> None:
    target = load_target(name)
    bundle = build(model, target, tmp_path, golden_seeds=())
    boot_header = 4 * len(header_words(target.board.boot_header))
    assert bundle.figures.agent_code_bytes <= AGENT_LIMIT + boot_header
    assert bundle.figures.ram_bytes <= target.memory_of_kind("ram").length
    image = (tmp_path / "firmware.bin").read_bytes()
    assert len(image) == bundle.figures.flash_bytes


@pytest.mark.slow
@pytest.mark.parametrize("name", [target.name for target in TARGETS if target.runner.kind == "serial"])
def test_keyword_spotting_links_for_boards_that_are_not_at_hand(
    name: str, shared_data: Path, tmp_path: Path
) -> None:
    target = load_target(name)
    assert not target.proven
    assert target.flasher is not None
    graph = load_model(shared_data / "mlperf_tiny" / "kws_int8.tflite")
    build(graph, target, tmp_path, golden_seeds=())
    if target.fpga is not None:  # flashed as a bitstream: tests/fpga
        assert (tmp_path / "firmware.bin").stat().st_size > 0
        return
    command = " ".join(flash_command(tmp_path, target) or [])
    images = re.findall(r"firmware\.\w+", command)
    assert images
    assert all((tmp_path / image).stat().st_size > 0 for image in images)


def test_a_boot_header_leads_to_the_vectors(model: Graph, tmp_path: Path) -> None:
    """The i.MX RT's boot ROM finds them through its image vector table, 4 KiB behind the flash's start."""
    build(model, load_target("teensy41"), tmp_path, golden_seeds=())
    words = struct.unpack("<2048I", (tmp_path / "firmware.bin").read_bytes()[:8192])
    assert words[0] == 0x4246_4346
    entry, boot_data, itself = (words[0x400 + index] for index in (1, 4, 5))
    assert (itself, words[(boot_data - 0x6000_0000) // 4]) == (0x6000_1000, 0x6000_0000)
    stack, reset = words[(entry - 0x6000_0000) // 4 :][:2]
    with (tmp_path / "firmware.elf").open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
    assert (stack, reset) == (symbols["__stack_end"], symbols["cortex_m_reset"])


def test_an_esp32_c3_finds_its_start_behind_two_words(model: Graph, tmp_path: Path) -> None:
    """Code lies where the core fetches, constants where it loads, in one image one behind the other."""
    bundle = build(model, load_target("esp32-c3"), tmp_path, golden_seeds=())
    image = (tmp_path / "firmware.bin").read_bytes()
    assert struct.unpack("<2I", image[:8]) == (0xAEDB_041D, 0xAEDB_041D)
    with (tmp_path / "firmware.elf").open("rb") as file:
        program = ELFFile(file)
        (start,) = program.get_section_by_name(".symtab").get_symbol_by_name("_start")
        constants = program.get_section_by_name(".rodata")
        offset = constants["sh_addr"] - 0x3C00_0000
        assert image[offset : offset + constants.data_size] == constants.data()
    assert start["st_value"] == 0x4200_0008
    assert len(image) == bundle.figures.flash_bytes
    assert bundle.figures.agent_code_bytes <= AGENT_LIMIT


def test_what_is_too_big_is_said_with_what_would_make_it_fit(model: Graph, tmp_path: Path) -> None:
    fits = build(model, load_target("netduinoplus2"), tmp_path / "fits", golden_seeds=()).figures
    sizes = {
        f"{FLASH}0x10_0000": f"{FLASH}{fits.flash_bytes - 2000}",
        f"{RAM}0x2_0000": f"{RAM}{fits.ram_bytes - 96}",
    }
    with pytest.raises(BuildError) as error:
        build(model, changed(tmp_path, "netduinoplus2", **sizes), tmp_path / "small", golden_seeds=())
    text = str(error.value)
    found = re.findall(r"the image is ([\d,]+) bytes too big for (\w+)", text)
    over = {name: int(count.replace(",", "")) for count, name in found}
    assert over == {"flash": pytest.approx(2000, abs=16), "sram": pytest.approx(96, abs=16)}
    assert re.search(r"it holds: weights 6,\d+, model code [\d,]+, agent and board [\d,]+\n", text)
    assert re.search(r"4-bit weights would take up to 3,\d+ bytes less", text)
    assert re.search(r"the arena may take at most \d+ bytes", text)


@pytest.mark.parametrize("kernel_set", ["dsp", "mve"])
def test_flags_without_the_instructions_of_a_kernel_set_are_refused(
    kernel_set: str, model: Graph, tmp_path: Path
) -> None:
    """The kernels would be emulated: right, and slow without a word."""
    line = next(line for line in load_target("mps2-an386").path.read_text().splitlines() if "kernels" in line)
    changes = {line: f'kernels = ["{kernel_set}", "portable"]', "-mcpu=cortex-m4": "-mcpu=cortex-m3"}
    changes['isa = "armv7e-m"'] = 'isa = "armv8.1-m.main+dsp+mve"'
    with pytest.raises(BuildError, match=rf"no instructions for the kernel set '{kernel_set}'"):
        build(model, changed(tmp_path, "mps2-an386", **changes), tmp_path / "out", golden_seeds=())
