"""Zynq: the neural engine for Vivado's block design, and the model for the processor beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import smidgen
from smidgen.compile.kernels.npu import NPU
from smidgen.compile.schedule import ARENA_ALIGNMENT
from smidgen.graph import DType
from smidgen.libraries import ip_xact
from smidgen.libraries.content import Library
from smidgen.libraries.format import Format
from smidgen.libraries.templates import fill_file
from smidgen.targets import Engine

PACKAGE = "smidgen_npu"  # the driver's name on the board
TEMPLATES = ("README.md", "Makefile", "board/library.c", "vivado/add_npu.tcl", "vivado/design.tcl")
_DRIVER = Path(smidgen.__file__).parent / "npu" / "onboard"
ENGINE = Engine()
_PARAMETERS = {name.upper(): value for name, value in vars(ENGINE).items()}


def _files(library: Library) -> dict[str, str]:
    on_engine = engine_layers(library)
    values = {
        **library.values(),
        "engine_layers": len(on_engine),
        "layers": len(library.manifest["layers"]),
        "vlnv": ":".join(ip_xact.VLNV),
        "parameters": " ".join(f"CONFIG.{name} {value}" for name, value in _PARAMETERS.items()),
    }
    own = {path: fill_file(f"zynq/{path}", values) for path in TEMPLATES}
    driver = {
        f"board/{PACKAGE}/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted(_DRIVER.glob("*.py"))
    }
    core = {f"ip/{path}": text for path, text in ip_xact.files(_PARAMETERS).items()}
    return {**own, **driver, **core, "board/model.json": _description(library, on_engine)}


def engine_layers(library: Library) -> list[str]:
    """The names of the layers that the engine does, in order."""
    return [layer["name"] for layer in library.manifest["layers"] if layer["kernel"].startswith(f"{NPU}/")]


def _description(library: Library, on_engine: list[str]) -> str:
    """model.json, which smidgen.npu.onboard.Model reads."""
    keys = ("name", "offset", "shape", "scale", "zero_point")
    ports = {
        kind: [
            {**{key: port[key] for key in keys}, "dtype": np.dtype(DType(port["dtype"]).numpy).name}
            for port in library.manifest[kind]
        ]
        for kind in ("inputs", "outputs")
    }
    about = {
        "prefix": library.name,
        "version": library.version,
        "arena_bytes": library.manifest["arena"]["bytes"],
        "arena_alignment": ARENA_ALIGNMENT,
        "engine": {name.lower(): value for name, value in _PARAMETERS.items()},
        "layers": on_engine,
    }
    return json.dumps({**about, **ports}, indent=1) + "\n"


FORMAT = Format(
    name="zynq",
    specification="IP-XACT, IEEE 1685-2009; Vivado's user guides UG1118 and UG994",
    tool="Vivado, and GCC on the board",
    proven=False,
    proof="neither Vivado nor a board was at hand: the engine in the package runs in Verilator, under the "
    "driver in the package; component.xml is valid by IEEE's schema; the Tcl runs with stand-ins for Vivado",
    program="main.py",
    kernels=(NPU,),
    engine=ENGINE,
    own=_files,
    reserved=frozenset({"model", "npu", PACKAGE}),
)
