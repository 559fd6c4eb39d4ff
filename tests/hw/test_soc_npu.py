"""The neural engine in Midge's system: lists of random descriptors from every memory, started by firmware.

The core sleeps until the engine's interrupt, or works beside it in the same memories.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from midge_runner import simulator_of
from npu_lists import LIST_AT, ListMaker

from smidgen.npu.descriptor import Descriptor, Engine, Load, encode_list
from smidgen.npu.model import Model

FIRMWARE = Path(__file__).parent / "firmware"
COMPILER = [
    "riscv64-unknown-elf-gcc",
    "-march=rv32imc",
    "-mabi=ilp32",
    "-std=c99",
    "-ffreestanding",
    "-nostdlib",
]
COMPILER += ["-O2", "-Wall", "-Wextra", "-Werror"]
PROGRAM, SRAM, EXTERNAL = 0x2_0000, 0x1000_4000, 0x8000_0000
KIB = 1024


@pytest.fixture(scope="session")
def sdram() -> Path:
    return simulator_of("fpga-sim-sdram")


@dataclass(frozen=True)
class Places:
    """Addresses of the list, and of the memory that it loads from and stores to."""

    list_at: int
    memory_at: int


@dataclass(frozen=True)
class Ran:
    cycles: int
    error: int
    interrupts: int
    sums: np.ndarray  # of each KiB of the memory


def run(simulator: Path, repository: Path, folder: Path, *, list_words: np.ndarray, memory: np.ndarray,
        bases: tuple[int, ...], places: Places, busy: bool) -> Ran:  # fmt: skip
    """memory: whole KiB, as it is at the start."""
    section = f"{places.list_at:#x},--section-start=.engine_memory={places.memory_at:#x}"
    (folder / "list").write_bytes(list_words.tobytes())
    (folder / "memory").write_bytes(memory.tobytes())
    (folder / "contents.S").write_text(
        '.section .engine_list, "a"\n.incbin "list"\n.section .engine_memory, "aw"\n.incbin "memory"\n'
    )
    smoke = repository / "hw" / "sim" / "smoke"
    at = ", ".join(f"{places.memory_at + base}u" for base in bases)
    command = [
        *COMPILER, f"-DLIST_AT={places.list_at}u", f"-DDESCRIPTORS={len(list_words)}", f"-DBASES={at}",
        f"-DMEMORY_AT={places.memory_at}u", f"-DMEMORY_BYTES={memory.size}u", f"-DBUSY_CORE={int(busy)}",
        f"-Wl,--section-start=.engine_list={section}",
        "-Wl,--no-warn-rwx-segments", "-T", smoke / "link.ld", smoke / "start.S", FIRMWARE / "engine.c",
        "contents.S", "-lgcc", "-o", "program.elf",
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True)
    return answer(simulator, folder / "program.elf", memory.size // KIB)


def answer(simulator: Path, program: Path, sums: int) -> Ran:
    command = [simulator, "--image", program, "--max-cycles", "20000000", "--uart-cycles", "1"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=500, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-500:]!r}"
    words = np.frombuffer(done.stdout, "<u4")
    assert len(words) == 3 + sums
    return Ran(int(words[0]), int(words[1]), int(words[2]), words[3:])


def checksums(memory: np.ndarray) -> np.ndarray:
    words = memory.view("<u4").reshape(-1, KIB // 4).astype(np.uint64)
    total = np.zeros(len(words), np.uint64)
    for column in words.T:
        total = (total * np.uint64(31) + column) & np.uint64(0xFFFF_FFFF)
    return total.astype(np.uint32)


PLACES = {
    "list in program memory, data in SRAM": Places(PROGRAM, SRAM),
    "all in external memory": Places(EXTERNAL + 0x40_0000, EXTERNAL),
    "list in SRAM, data in external memory": Places(0x1000_2000, EXTERNAL + 0x1234),
}


def check_list_of(simulator: Path, repository: Path, folder: Path, seed: int, places: Places, busy: bool,
                  count: int, engine: Engine = Engine()) -> Ran:  # noqa: B008  # fmt: skip
    """A random list does in the system what it does in the model."""
    maker = ListMaker(engine, np.random.default_rng(seed), np.zeros(LIST_AT, np.uint8))
    maker.load_all()
    descriptors: list[Descriptor] = maker.fill(count)
    memory = maker.memory[: -(-maker.free // KIB) * KIB].copy()
    words = encode_list(descriptors)
    ran = run(simulator, repository, folder, list_words=words, memory=memory, bases=maker.bases,
              places=places, busy=busy)  # fmt: skip
    model = Model(memory, engine)
    model.run(descriptors, maker.bases)
    assert (ran.error, ran.interrupts) == (0, 1)
    wrong = np.flatnonzero(ran.sums != checksums(memory))
    assert not len(wrong), f"seed {seed}: KiB {wrong} of {memory.size // KIB} differ"
    return ran


@pytest.mark.parametrize("busy", [False, True], ids=["core asleep", "core at work"])
@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_a_list_does_what_the_model_does(
    sdram: Path, repository: Path, tmp_path: Path, places: Places, busy: bool
) -> None:
    check_list_of(sdram, repository, tmp_path, seed=1, places=places, busy=busy, count=6)


@pytest.mark.slow
@pytest.mark.parametrize("configuration", ["fpga-sim", "fpga-sim-sdram", "fpga-sim-psram"])
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_lists_in_every_configuration(
    repository: Path, tmp_path: Path, configuration: str, seed: int
) -> None:
    internal = configuration == "fpga-sim"
    places = [place for place in PLACES.values() if not internal or place.memory_at < EXTERNAL]
    simulator = simulator_of(configuration)
    check_list_of(simulator, repository, tmp_path, seed, places[seed % len(places)], seed % 2 == 0, count=12)


def test_an_error_of_the_bus_interrupts_and_says_where(sdram: Path, repository: Path, tmp_path: Path) -> None:
    """The second load is from where there is no memory."""
    words = encode_list([Load(base=0, memory_offset=0, buffer=0, buffer_address=0, bytes=64)] * 2)
    words[1, 2] = 0x4000_0000
    memory = np.zeros(KIB, np.uint8)
    ran = run(sdram, repository, tmp_path, list_words=words, memory=memory, bases=(0, 0, 0, 0),
              places=Places(PROGRAM, SRAM), busy=False)  # fmt: skip
    found = ran.error & 0xFF, ran.error >> 16, ran.interrupts
    assert found == (7, 1, 1)


@pytest.mark.parametrize("configuration", ["fpga-sim-sdram"])
def test_accesses_that_fault(configuration: str, repository: Path, tmp_path: Path) -> None:
    simulator = simulator_of(configuration)
    program = tmp_path / "program.elf"
    script = repository / "hw" / "sim" / "smoke" / "link.ld"
    source = FIRMWARE / "engine_faults.S"
    subprocess.run([*COMPILER, "-DEXTERNAL_BYTES=0x800000", "-T", script, source, "-o", program], check=True)
    done = subprocess.run(
        [simulator, "--image", program, "--max-cycles", "100000"], stdin=subprocess.DEVNULL,
        capture_output=True, timeout=100, check=False,
    )  # fmt: skip
    load, store = 5, 7
    assert list(done.stdout) == [0, 0, store, store, load, store, 0, 0, 0, load, store]
