"""External memory: what a target file says of it, where the linker puts things, what kernels cost there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from compile_graphs import constant, graph, tensor
from elftools.elf.elffile import ELFFile
from test_targets import own_target, problems_of

from smidgen.compile import lower_and_plan
from smidgen.compile.build import build
from smidgen.device.simulators import verilator
from smidgen.errors import BuildError, UsageError
from smidgen.graph import Graph, Node
from smidgen.graph.operators import FullyConnected
from smidgen.report.memory import regions_of
from smidgen.run.session import static_result
from smidgen.targets import load_target

SDRAM = "fpga-sim-sdram"
START, BYTES = 0x8000_0000, 0x80_0000
ANOTHER = """
[memory.more]
kind = "external"
origin = 0x9000_0000
length = 0x1000
latency_cycles = 8
word_cycles = 1

[toolchain]"""

needs_compiler = pytest.mark.skipif(
    shutil.which("riscv64-unknown-elf-gcc") is None, reason="needs riscv64-unknown-elf-gcc"
)


@pytest.fixture(scope="module")
def model() -> Graph:
    """One fully connected layer with many weights for its work."""
    weights = np.random.default_rng(1).integers(-127, 128, (64, 256)).astype(np.int8)
    tensors = [tensor("x", (1, 256)), constant("w", weights, 0.01), tensor("y", (1, 64), 20.0)]
    tensors.append(constant("b", np.arange(64, dtype=np.int32), 0.005))
    return graph(tensors, [Node("fc", FullyConnected(), ("x", "w", "b"), ("y",))], ["x"], ["y"], name="fc")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("length = 0x80_0000", "length = 0x100_0000", f"external memory: {START:#x} to {START + BYTES:#x}"),
        ("origin = 0x8000_0000", "origin = 0x7000_0000", "where 'fpga-sim-sdram' has none"),
        ('configuration = "fpga-sim-sdram"', 'configuration = "fpga-sim"', "external memory: none"),
        ("latency_cycles = 8", "", "'memory.sdram.latency_cycles' is missing"),
        ("word_cycles = 1", "word_cycles = 1\nspeed = 1", "'memory.sdram.speed' is not known"),
        ('kind = "ram"', 'kind = "ram"\nword_cycles = 1', "'memory.sram.word_cycles' is not known"),
        ("[toolchain]", ANOTHER, "'memory.more' is external, as 'sdram' is"),
    ],
)
def test_what_is_wrong_is_said_when_the_file_is_read(
    old: str, new: str, expected: str, tmp_path: Path
) -> None:
    assert expected in problems_of(own_target(tmp_path, base=SDRAM, **{old: new}))


def test_a_chip_from_a_manual_has_none(tmp_path: Path) -> None:
    """Where the target file has the chip's address map, that map does not know of it."""
    there = ANOTHER.replace("[toolchain]", "[board]")
    text = problems_of(own_target(tmp_path, base="mps2-an386", **{"[board]": there}))
    assert "'memory.more' lies from 0x90000000 to 0x90001000, where the chip has no memory" in text


def test_an_fpga_board_without_the_chip_has_none(tmp_path: Path) -> None:
    text = problems_of(own_target(tmp_path, base="ulx3s-85f", **{"[toolchain]": ANOTHER}))
    assert "'memory.more' lies from 0x90000000 to 0x90001000, where 'midge-npu' has none" in text


@needs_compiler
def test_a_board_that_does_not_use_it_is_refused(model: Graph, tmp_path: Path) -> None:
    """Weights would stay in flash and the arena in RAM, without a word."""
    board = load_target("midge").board
    shutil.copytree(board.folder, tmp_path / "own")
    settings = (tmp_path / "own" / "board.toml").read_text().replace("external = true", "external = false")
    (tmp_path / "own" / "board.toml").write_text(settings.replace('"../', f'"{board.folder.parent}/'))
    target = load_target(own_target(tmp_path, base=SDRAM, **{'folder = "midge"': 'folder = "own"'}))
    with pytest.raises(
        BuildError, match="has external memory, which this board's linker script does not use"
    ):
        build(model, target, tmp_path / "bundle", golden_seeds=())


@needs_compiler
def test_weights_and_arena_lie_there_and_the_weights_are_copied_from_flash(
    model: Graph, tmp_path: Path
) -> None:
    target = load_target(SDRAM)
    bundle = build(model, target, tmp_path, golden_seeds=())
    assert bundle.plan is not None
    schedule = bundle.plan.schedule
    with (tmp_path / "firmware.elf").open("rb") as file:
        program = ELFFile(file)
        weights, arena, stack = map(program.get_section_by_name, (".weights", ".arena", ".stack"))
        table = program.get_section_by_name(".symtab")
        (load,) = (one["st_value"] for one in table.get_symbol_by_name("__weights_load"))
        contents = weights.data()
    stored = [blob.data.tobytes() for blob in schedule.blobs.values() if blob.what == "weights"]
    assert all(data in contents for data in stored)
    assert len(contents) >= bundle.figures.weights_bytes
    assert START <= weights["sh_addr"] < weights["sh_addr"] + len(contents) <= arena["sh_addr"]
    assert arena["sh_addr"] + schedule.arena_bytes <= START + BYTES
    assert (tmp_path / "firmware.bin").read_bytes()[load : load + len(contents)] == contents
    ram = target.memory_of_kind("ram")
    assert ram.origin <= stack["sh_addr"] < ram.end
    result = static_result(Path("fc.tflite"), target, bundle.plan, bundle, "speed")
    shown = {
        region.name: {part.name: part.bytes for part in region.parts} for region in regions_of(result, target)
    }
    assert shown["sdram (external)"] == {"weights": len(contents), "arena": schedule.arena_bytes}
    assert "weights" in shown["flash"]
    assert "arena" not in shown["sram (ram)"]


@needs_compiler
def test_what_does_not_fit_there_is_said(model: Graph, tmp_path: Path) -> None:
    target = load_target(own_target(tmp_path, base=SDRAM, **{"length = 0x80_0000": "length = 0x4000"}))
    with pytest.raises(
        BuildError, match=r"bytes too big for sdram .*\n.*it holds: weights 1\d,\d+, arena 3\d+"
    ):
        build(model, target, tmp_path / "bundle", golden_seeds=())


def test_the_engine_does_what_the_core_would_wait_for(model: Graph) -> None:
    """The core waits for each word; the engine's bursts bring one in each cycle, on PSRAM in every fourth."""

    def chosen(target: str) -> tuple[str, int]:
        (call,) = lower_and_plan(model, load_target(target))[0].schedule.calls
        assert call.cost is not None
        return call.kernel_set, call.cost.cycles

    words = 64 * 256 // 4
    assert chosen("midge")[1] < 2 * words
    sets, cycles = zip(*map(chosen, ("fpga-sim-sdram", "fpga-sim-psram")), strict=True)
    assert sets == ("npu", "npu")
    assert words < cycles[0] < 1.3 * words
    assert 4 * words < cycles[1] < 5 * words


def test_the_engine_does_not_wait_for_program_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    known = verilator.configurations()
    slow = {**known["fpga-sim"], "PROGRAM_WAIT_STATES": 4}
    monkeypatch.setattr(verilator, "configurations", lambda: {"slow": slow})
    with pytest.raises(UsageError, match="has PROGRAM_WAIT_STATES, but its neural engine"):
        verilator.build("slow")
