"""The memories behind the engine's AXI4 port and the core's data port, with the chips of external memory.

memory_bench.cpp drives them with random bursts and accesses and knows what each must answer; the chips end
the simulation at whatever their data sheets forbid.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from verilated import CPP, build_bench

HERE = Path(__file__).parent
HW = HERE.parents[1] / "hw"
SDRAM, PSRAM = 1, 2
# A slower chip than the preset, which closes its rows.
SLOW_SDRAM = {
    "SDRAM_CAS_LATENCY": 3, "SDRAM_T_RCD_NS": 21, "SDRAM_T_RP_NS": 21, "SDRAM_T_RAS_NS": 50,
    "SDRAM_T_RC_NS": 80, "SDRAM_T_WR_NS": 30, "SDRAM_OPEN_ROWS": 0,
}  # fmt: skip
VARIANTS = {"sdram": (SDRAM, {}), "slow sdram": (SDRAM, SLOW_SDRAM), "psram": (PSRAM, {})}


def bench(folder: Path, kind: int, **parameters: int) -> Path:
    """The bench with a memory chip."""
    listed = (HW / "sources.f").read_text().split()
    known = {path.stem: path for path in (HW / "sim").glob("*.sv")}
    names = [HW / name for name in listed if not name.startswith("npu/") and needed(Path(name).stem)]
    sources = [*names, known["sdram_chip"], known["psram_chip"]]
    sources += [HERE / "memory_bench.sv", HERE / "memory_bench.cpp"]
    parameters = {"EXTERNAL_KIND": kind, **parameters}
    return build_bench(folder, "memory_bench", sources, *CPP, parameters=parameters)


def needed(module: str) -> bool:
    memories = {"external_package", "midge_fifo", "ram_lane", "program_memory", "sram", "burst_arbiter"}
    memories |= {"sdram_controller", "psram_controller", "external_memory"}
    return module in memories or module in {"npu_memory_map", "npu_reads", "npu_writes", "npu_memories"}


@pytest.fixture(scope="module", params=VARIANTS)
def memories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    kind, parameters = VARIANTS[request.param]
    return request.param, bench(tmp_path_factory.mktemp("memories"), kind, **parameters)


def run(program: Path, *arguments: str) -> dict[str, float]:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {(done.stdout + done.stderr)[-1000:]}"
    return json.loads(done.stdout)


@pytest.mark.parametrize("stalls", ["0", "0.3", "0.8"])
@pytest.mark.parametrize("seed", range(2))
def test_random_bursts_beside_the_core(memories: tuple[str, Path], seed: int, stalls: str) -> None:
    moved = run(memories[1], "random", str(seed), "10000", stalls)["words"]
    assert moved > 1000, "hardly anything was tried"


@pytest.mark.slow
@pytest.mark.parametrize("stalls", ["0", "0.1", "0.5"])
@pytest.mark.parametrize("seed", range(100, 104))
def test_many_random_bursts(memories: tuple[str, Path], seed: int, stalls: str) -> None:
    assert run(memories[1], "random", str(seed), "300000", stalls)["words"] > 15_000


def test_cycles_of_a_word(memories: tuple[str, Path]) -> None:
    """Bursts follow each other without a gap, but for rows, pages and refresh."""
    variant, program = memories
    rates = run(program, "rate")
    block_ram = [rates[name] for name in ("program_reads", "sram_reads", "sram_writes")]
    assert max(block_ram) < 1.01
    most, latency = {"sdram": (1.03, 8), "slow sdram": (1.05, 10), "psram": (4.2, 18)}[variant]
    assert max(rates["external_reads"], rates["external_writes"]) < most
    assert rates["core_external"] == latency


# The judges of memory_bench.sv: which of them demands more.
STRICTER = {
    "sdram": ("T_RCD", "T_RP", "T_RAS", "T_RC", "T_WR", "refresh", "power"),
    "psram": ("T_CEM", "T_CPH", "power"),
}


@pytest.mark.parametrize("memories", STRICTER, indirect=True)
def test_the_chips_notice_what_their_data_sheets_forbid(memories: tuple[str, Path]) -> None:
    """A chip a little slower than the controller was told."""
    variant, program = memories
    for judge, rule in enumerate(STRICTER[variant]):
        command = [program, "random", "1", "20000", "0", f"+judge={judge}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0, rule
        assert rule in done.stdout + done.stderr
