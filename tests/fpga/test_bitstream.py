"""The flow with its real tools, on the boards' own modules and pins, with a system that takes seconds."""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from small_system import PROGRAM_BYTES, small, stand_in

from smidgen.compile.bundle import BIN, BITSTREAM, Bundle, load_bundle, write_manifest
from smidgen.compile.figures import Figures
from smidgen.errors import BuildError
from smidgen.fpga import bitstream, flow, tools
from smidgen.fpga.bitstream import add_bitstream, parameters, route
from smidgen.fpga.flow import CONFIG, NETLIST, Routed
from smidgen.paths import cache_folder
from smidgen.report import models
from smidgen.targets import load_target

BOARD = "orangecrab-25f"


def bundle_with(folder: Path, program: bytes) -> Bundle:
    folder.mkdir()
    (folder / BIN).write_bytes(program)
    figures = vars(Figures(0))
    manifest = dict.fromkeys(("smidgen", "model", "prefix", "version", "optimize"), "m")
    planned = {"arena": "fast", "limit": None}
    return write_manifest(folder, {**manifest, "target": BOARD, "figures": figures, "planned": planned})


def contents(config: str) -> list[str]:
    """What the block RAMs of a configuration hold."""
    return re.findall(r"^\.bram_init \d+\n(?:[0-9a-f ]+\n)+", config, re.MULTILINE)


@pytest.fixture(scope="session")
def program() -> bytes:
    return np.random.default_rng(7).bytes(PROGRAM_BYTES - 1001)


@pytest.fixture(scope="session")
def made(small_systems, program: bytes, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    bundle = bundle_with(tmp_path_factory.mktemp("bundles") / "first", program)
    return add_bitstream(bundle, small(BOARD))


def test_the_bitstream_holds_what_one_made_with_the_program_would(
    made: Bundle, program: bytes, tmp_path: Path
) -> None:
    """The second one goes the long way: the program is there at synthesis, and nothing is exchanged."""
    target = small(BOARD)
    shutil.copy(made.folder / BITSTREAM, tmp_path)
    tools.run("ecpunpack", ["--input", BITSTREAM, "--textcfg", "unpacked.config"], tmp_path, "unpacking")
    unpacked = contents((tmp_path / "unpacked.config").read_text())

    padded = program.ljust(PROGRAM_BYTES, b"\0")
    for lane in range(4):
        (tmp_path / f"{flow.CONTENTS}.{lane}").write_text(
            "\n".join(f"{byte:02x}" for byte in padded[lane::4])
        )
    for name, text in stand_in(target.fpga.top).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    top = target.fpga.top.stem
    flow.synthesize(tmp_path, top, list(stand_in(target.fpga.top)), parameters(target))
    shutil.copy(target.fpga.pins, tmp_path / "pins")
    flow.place_and_route(tmp_path, ["--25k", "--package", "CSFBGA285", "--speed", "8", "--lpf", "pins"], 1)
    direct = contents((tmp_path / CONFIG).read_text())
    assert len(direct) == PROGRAM_BYTES // 2048
    assert sorted(unpacked) == sorted(direct)


def test_the_manifest_says_what_it_takes_and_how_fast_it_is(made: Bundle) -> None:
    said = load_bundle(made.folder).manifest["bitstream"]
    assert (said["device"], said["seed"]) == ("LFE5U-25F", 1)
    assert said["cells"]["DP16KD"] == {"used": PROGRAM_BYTES // 2048, "available": 56}
    (clock,) = said["clocks"].values()
    assert clock["reached_mhz"] > clock["wanted_mhz"] == pytest.approx(48, abs=0.01)
    rows = dict(models.bitstream(said))
    assert rows["block RAMs"] == f"{PROGRAM_BYTES // 2048} of 56 (7.1 %)"
    assert rows["FPGA"] == "LFE5U-25F, seed 1"


def test_another_program_needs_no_place_and_route(
    made: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []
    run = tools.run
    monkeypatch.setattr(tools, "run", lambda name, *rest: called.append(name) or run(name, *rest))
    second = add_bitstream(bundle_with(tmp_path / "second", b"another"), small(BOARD))
    assert called == ["ecpbram", "ecppack"]
    assert (second.folder / BITSTREAM).read_bytes() != (made.folder / BITSTREAM).read_bytes()
    add_bitstream(bundle_with(tmp_path / "third", b"another"), small(BOARD))
    assert called == ["ecpbram", "ecppack"]


def test_a_program_that_is_too_big_for_the_memory(made: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"the program has 8,193 bytes, its memory 8,192"):
        add_bitstream(bundle_with(tmp_path / "big", bytes(PROGRAM_BYTES + 1)), small(BOARD))


def test_what_does_not_fit_is_named(made: Bundle, tmp_path: Path) -> None:
    """The netlist with 100 block RAMs more, on the smallest device."""
    (folder,) = (cache_folder() / "netlists").iterdir()
    design = json.loads((folder / NETLIST).read_text())
    cells = design["modules"]["orangecrab"]["cells"]
    block = next(cell for cell in cells.values() if cell["type"] == "DP16KD")
    inputs = [port for port, way in block["port_directions"].items() if way == "input"]
    alone = block | {"connections": {port: block["connections"][port] for port in inputs}}
    cells |= {f"more {n}": alone for n in range(100)}
    (tmp_path / NETLIST).write_text(json.dumps(design))
    shutil.copy(load_target(BOARD).fpga.pins, tmp_path / "pins")
    with pytest.raises(BuildError, match=r"does not fit: DP16KD 104 of 56 \(48 too many\)"):
        flow.place_and_route(tmp_path, ["--25k", "--package", "CSFBGA285", "--lpf", "pins"], 1)


def test_too_slow_says_by_how_much(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every seed is tried, and the best one counts."""
    reached = {1: 40.0, 2: 45.0, 3: 44.0}
    monkeypatch.setattr(
        bitstream,
        "route",
        lambda target, seed, progress: (tmp_path, Routed({}, {}, {"clock": (reached[seed], 50.0)})),
    )
    monkeypatch.setattr(tools, "versions", dict)
    with pytest.raises(BuildError) as error:
        add_bitstream(bundle_with(tmp_path / "slow", b"program"), load_target("ulx3s-85f"))
    assert "clock clock: too slow: 45.00 of 50.00 MHz reached with the best of 3 seeds" in str(error.value)
    assert "5.00 MHz (10.0 %) missing" in str(error.value)
    assert "core.clock_hz" in str(error.value)


def test_the_first_seed_that_is_fast_enough_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    speeds = {1: 49.9, 2: 50.1}
    monkeypatch.setattr(
        bitstream,
        "route",
        lambda target, seed, progress: (tmp_path, Routed({}, {}, {"clock": (speeds[seed], 50.0)})),
    )
    seed, _, routed = bitstream._fast_enough(load_target("ulx3s-85f"), lambda stage: None)
    assert (seed, routed.clocks["clock"][0]) == (2, 50.1)


def test_missing_tools_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(tools, "version", version)
    with pytest.raises(BuildError) as error:
        add_bitstream(bundle_with(tmp_path / "toolless", b"program"), load_target("ulx3s-85f"))
    for name in tools.PACKAGES:
        assert f"{name}: this Python package is not installed" in str(error.value)
    assert "pip install 'smidgen[fpga]'" in str(error.value)


@pytest.mark.slow
def test_every_pin_of_the_ulx3s_is_one_of_its_package(small_systems) -> None:
    """nextpnr checks sites, directions and voltages as it places them."""
    _, routed = route(small("ulx3s-85f"), 1)
    assert routed.used["TRELLIS_IO"] == 13


@pytest.mark.slow
def test_every_signal_of_the_sdram_has_its_registers_in_its_pin(small_systems) -> None:
    """A data pin has three: for what comes in, for what goes out, and for whether anything does."""
    folder, routed = route(small("ulx3s-85f-sdram"), 1)
    assert (routed.used["TRELLIS_IO"], routed.used["IOLOGIC"]) == (13 + 39, 38)
    configuration = (folder / CONFIG).read_text()
    registers = {"FF.INREGMODE": 16, "TSREG.OUTREGMODE": 16, "OUTREG.OUTREGMODE": 37}
    assert {name: configuration.count(f".{name} FF\n") for name in registers} == registers
    wanted = sorted(round(wanted) for _, wanted in routed.clocks.values())
    assert wanted == [40, 80]
