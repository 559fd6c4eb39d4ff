"""The bitstream of a bundle: Midge's system placed and routed for the target's FPGA, with the program in it.

Place and route takes many minutes and knows nothing of the program: it is done once for a system, with noise
in the program memory, and cached; the program takes the noise's place in seconds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from smidgen.compile.bundle import BIN, BITSTREAM, Bundle, write_manifest
from smidgen.compile.cache import cached, content_key
from smidgen.compile.memory_map import region
from smidgen.errors import BuildError, Problem
from smidgen.fpga import flow, netlist, tools
from smidgen.fpga.flow import CONFIG, NETLIST, NOISE, Routed
from smidgen.paths import data_folder
from smidgen.targets import Target
from smidgen.targets.configurations import configurations
from smidgen.targets.engine import verilog_parameters
from smidgen.targets.pll import dividers

# Placement begins at random. Where the clock is not reached, another beginning may do.
SEEDS = (1, 2, 3)
# With the placer that nextpnr takes by itself, a system with the engine has wires half as long again, and
# router2 finds no room for all of them.
_ALGORITHMS = ("--placer", "static", "--router", "router2", "--tmg-ripup")
_DEVICES = {"LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}
# What a system on an FPGA has beyond hw/sources.f.
SYSTEM = ("soc/uart_phy.sv", "boards/fpga_system.sv")
# What boards' modules are made of besides.
_PARTS = tuple(
    f"boards/{name}.sv" for name in ("ecp5_clock", "ecp5_sdram_clock", "ecp5_sdram_pins", "fpga_system_sdram")
)
# How things are put together is part of what comes out.
_MODULES = [Path(str(module)) for module in (__file__, flow.__file__, netlist.__file__)]

Progress = Callable[[str], None]


def add_bitstream(bundle: Bundle, target: Target, progress: Progress = lambda stage: None) -> Bundle:
    """Makes the bitstream of a target with an FPGA: a file of the bundle, and what it takes in the manifest.

    progress is told the name of each stage as it starts.
    Raises BuildError: a tool is missing or failed, the system does not fit, or is too slow.
    """
    assert target.fpga is not None
    versions = tools.versions()
    seed, folder, routed = _fast_enough(target, progress)
    progress("packing the bitstream")
    program = (bundle.folder / BIN).read_bytes()

    def make(work: Path) -> None:
        flow.exchange_contents(folder / CONFIG, folder / NOISE, program, work)
        flow.pack(work, BITSTREAM)
        for path in work.iterdir():
            if path.name != BITSTREAM:
                path.unlink()

    packed = cached("bitstreams", content_key([folder.name, program]), make)
    shutil.copyfile(packed / BITSTREAM, bundle.folder / BITSTREAM)
    made = {"device": target.fpga.device, "tools": versions, "seed": seed, **routed.to_json()}
    return replace(write_manifest(bundle.folder, {**bundle.manifest, "bitstream": made}), plan=bundle.plan)


def _fast_enough(target: Target, progress: Progress) -> tuple[int, Path, Routed]:
    """The first seed with which every clock is reached. BuildError, by how much the best one fails."""
    best: dict[str, tuple[float, float]] = {}
    for seed in SEEDS:
        folder, routed = route(target, seed, progress)
        slow = {name: clock for name, clock in routed.clocks.items() if clock[0] < clock[1]}
        if not slow:
            return seed, folder, routed
        best = min(best, slow, key=_slowness) if best else slow
    name, (reached, wanted) = min(best.items(), key=lambda clock: clock[1][0] / clock[1][1])
    missing = wanted - reached
    what = (
        f"too slow: {reached:.2f} of {wanted:.2f} MHz reached with the best of {len(SEEDS)} seeds,"
        f" {missing:.2f} MHz ({100 * missing / wanted:.1f} %) missing"
    )
    fix = f"lower core.clock_hz in {target.path}; a smaller configuration or smaller memories are faster, too"
    raise BuildError(Problem(f"{target.name}, clock {name}", what, fix))


def _slowness(clocks: Mapping[str, tuple[float, float]]) -> float:
    return max(wanted / reached for reached, wanted in clocks.values())


def route(target: Target, seed: int, progress: Progress = lambda stage: None) -> tuple[Path, Routed]:
    """The target's system placed and routed from this seed: a folder with its configuration, and its figures.

    The program memory holds noise, which lies in the folder, too.
    """
    fpga = target.fpga
    assert fpga is not None
    synthesized = _netlist_key(target)
    pins = fpga.pins.read_text(encoding="utf-8")
    options = [_DEVICES[fpga.device], "--package", fpga.package, "--speed", str(fpga.speed_grade)]
    options += ["--lpf", fpga.pins.name, *_ALGORITHMS]

    def place(work: Path) -> None:
        made = synthesize(target, progress)
        for name in (NETLIST, NOISE):
            shutil.copyfile(made / name, work / name)
        (work / fpga.pins.name).write_text(pins, encoding="utf-8")
        progress(f"placing and routing, seed {seed} (many minutes)")
        flow.place_and_route(work, options, seed)
        (work / NETLIST).unlink()

    key = content_key([synthesized, json.dumps(options), pins, str(seed)])
    folder = cached("routed", key, place)
    return folder, flow.read_report(folder)


def synthesize(target: Target, progress: Progress = lambda stage: None) -> Path:
    """The target's system as a netlist for nextpnr: a folder with it and the noise in its program memory."""
    assert target.fpga is not None
    sources, top = system_sources(target.fpga.top), target.fpga.top.stem

    def make(work: Path) -> None:
        progress("synthesizing the system (minutes)")
        for name, text in sources.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text, encoding="utf-8")
        flow.write_noise(work, region(target, "flash").length)
        flow.synthesize(work, top, list(sources), parameters(target))

    return cached("netlists", _netlist_key(target), make)


def _netlist_key(target: Target) -> str:
    assert target.fpga is not None
    own = [path.read_bytes() for path in _MODULES]
    versions, values = json.dumps(tools.versions()), json.dumps(parameters(target))
    top = target.fpga.top
    return content_key([versions, values, *own, *_flat(system_sources(top)), top.stem])


def parameters(target: Target) -> dict[str, int | str]:
    """The Verilog parameters of the board's module: what the target says, the rest from the configuration.

    There 0 stands for a part that is left out, which a board's module need not know.
    """
    fpga, clock_hz = target.fpga, target.core.clock_hz
    assert fpga is not None and clock_hz is not None
    chosen = configurations()[fpga.configuration]
    values: dict[str, Any] = {name: value for name, value in chosen.items() if name.isupper() and value}
    ratio = dividers(fpga.clock_input_hz, clock_hz)
    assert ratio is not None  # the target file was checked
    return values | {
        "PROGRAM_BYTES": region(target, "flash").length,
        "PROGRAM_CONTENTS": flow.CONTENTS,
        "SRAM_BYTES": region(target, "ram").length,
        "CLOCK_HZ": clock_hz,
        "BAUD": target.serial.baud if target.serial else 115200,
        **{f"{name.upper()}_DIVIDER": value for name, value in asdict(ratio).items()},
        **(verilog_parameters(target.engine) if target.engine else {}),
    }


def system_sources(top: Path | None = None) -> dict[str, str]:
    """The texts of the system's files by their names in hw, those in synth/ecp5 in place of their namesakes.

    top: a board's module, which comes with what such modules are made of.
    """
    hw = data_folder("hw")
    listed = [*(hw / "sources.f").read_text(encoding="utf-8").split(), *SYSTEM]
    arithmetic = {path.name: path for path in sorted((hw / "synth" / "ecp5").glob("*.sv"))}
    paths = {name: arithmetic.pop(Path(name).name, hw / name) for name in listed}
    paths |= {f"synth/ecp5/{name}": path for name, path in arithmetic.items()}
    if top is not None:
        paths |= {name: hw / name for name in _PARTS} | {f"boards/{top.name}": top}
    return {name: path.read_text(encoding="utf-8") for name, path in paths.items()}


def _flat(sources: Mapping[str, str]) -> list[str]:
    return [text for pair in sources.items() for text in pair]
