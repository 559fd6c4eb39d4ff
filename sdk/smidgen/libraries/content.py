"""What the libraries of all ecosystems hold: the bundle's sources, the golden test, the examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smidgen.compile.bundle import Bundle
from smidgen.compile.emit.template import comment_text
from smidgen.compile.emit.weights import constant_arrays
from smidgen.compile.kernels import COMPILE_FLAGS
from smidgen.compile.schedule import Blob
from smidgen.golden import golden_inputs
from smidgen.graph import Graph
from smidgen.graph.reference import Reference
from smidgen.libraries.templates import fill_file
from smidgen.targets import Target

GOLDEN_SEED = 1
STATEFUL_RUNS = 3  # the state is carried from the first to the second, and what that gave to the third
EXAMPLES = ("minimal", "golden_test")
# Optimizing compilers do so anyway unless a project asks for frame pointers; some kernels need all registers.
FREE_REGISTERS = "-fomit-frame-pointer"


@dataclass(frozen=True)
class Library:
    """A model as a library, before an ecosystem gives it its layout.

    name: of the library, of its header (NAME.h) and the start of all C names; version: semantic; title: the
    model's name, for comments; sources: C files by their path below the folder that users put on the include
    path; golden: golden.h, the known answers and the function that compares; optimization: compiler options
    that its figures (bytes) were measured with; machine: those that choose its target's instructions;
    manifest: the bundle's.
    """

    name: str
    version: str
    title: str
    target: Target
    sources: Mapping[str, str]
    golden: str
    optimization: tuple[str, ...]
    machine: tuple[str, ...]
    figures: Mapping[str, int | None]
    input_count: int
    manifest: Mapping[str, Any]

    def values(self) -> dict[str, object]:
        """What templates may name."""
        values = {
            "name": self.name,
            "NAME": self.name.upper(),
            "version": self.version,
            "release": self.version.partition("+")[0],
            "title": self.title,
            "target": self.target.name,
            "kernels": ", ".join(self.target.kernels),
            "machine": " ".join(f"`{option}`" for option in self.machine) or "those of your machine",
            "optimization": " ".join(self.optimization),
            "options": ";".join(self.optimization),
            "model_c": f"{self.name}/model.c",
            "inputs": "\n".join(self._clear(index) for index in range(self.input_count)),
            **{what: "-" if value is None else f"{value:,}" for what, value in self.figures.items()},
        }
        return {**values, "about": fill_file("shared/about.md", values).rstrip()}

    def _clear(self, index: int) -> str:
        """The statement of an example that fills an input."""
        port = f"{self.name}_input_{index}"
        return f"    memset({port}(arena), 0, {port.upper()}_BYTES);"


def library(bundle: Bundle, target: Target, optimize: str, version: str) -> Library:
    """The library of a model that has just been built; version: X.Y.Z, to which the model's is added."""
    assert bundle.plan is not None
    name = bundle.prefix
    files = bundle.manifest["files"]
    own = [file for file in files if file in ("model.c", "model.h", "model_weights.h")]
    kernels = [file for file in files if file.startswith("kernels/")]
    texts = {f"{name}/{file}": (bundle.folder / file).read_text(encoding="utf-8") for file in own + kernels}
    values = {"name": name, "NAME": name.upper(), "title": comment_text(bundle.name)}
    header = fill_file("shared/library.h", values)
    chosen = target.toolchain.speed if optimize == "speed" else target.toolchain.size
    figures = bundle.figures
    return Library(
        name=name,
        version=f"{version}+{bundle.manifest['version'][:8]}",
        title=comment_text(bundle.name),
        target=target,
        sources={f"{name}.h": header, **texts},
        golden=_golden_h(name, bundle.plan.graph, values),
        optimization=(*COMPILE_FLAGS[optimize], FREE_REGISTERS, *chosen),
        machine=tuple(target.toolchain.flags),
        figures={
            "arena": bundle.manifest["arena"]["bytes"],
            "weights": figures.weights_bytes,
            "code": figures.code_bytes,
            "stack": figures.stack_bytes,
        },
        input_count=len(bundle.manifest["inputs"]),
        manifest=bundle.manifest,
    )


def _golden_h(name: str, graph: Graph, values: Mapping[str, object]) -> str:
    """golden.h: seeded inputs, what the reference answers run after run, and the comparison."""
    runs = STATEFUL_RUNS if graph.states else 1
    reference, states = Reference(graph), None
    columns: dict[str, list[np.ndarray]] = {}
    ports = [(graph.tensor(port).shape, graph.tensor(port).dtype) for port in graph.inputs]
    for run in range(runs):
        inputs = golden_inputs(ports, GOLDEN_SEED + run)
        result = reference.run(inputs, states)
        states = result.states
        for kind, arrays in (("input", inputs), ("output", result.outputs)):
            for index, array in enumerate(arrays):
                columns.setdefault(f"golden_{kind}_{index}", []).append(array)
    blobs = {
        port: Blob(port, np.concatenate([array.reshape(-1) for array in arrays]), "golden")
        for port, arrays in columns.items()
    }
    steps = {
        kind: "\n".join(
            fill_file(f"shared/golden_{kind}.h", {**values, "index": index}).rstrip()
            for index in range(len(ports_of))
        )
        for kind, ports_of in (("input", graph.inputs), ("output", graph.outputs))
    }
    return fill_file(
        "shared/golden.h",
        {
            **values,
            "runs": runs,
            "arrays": constant_arrays(name, blobs, {port: port for port in blobs}).rstrip(),
            "write": steps["input"],
            "compare": steps["output"],
        },
    )


def write_to(path: Path) -> bool:
    """Whether a new library may be written there: nothing is there yet, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))
