"""Bundle: the folder that a build leaves, and its manifest.

model.c model.h model_weights.h kernels/   the model, for any C99 compiler; nothing in it needs Python
model_agent.c                              its descriptor, for the agent
firmware.elf firmware.bin firmware.hex     the image (targets with a board)
libmodel.so                                the model as a shared library (target host)
firmware.uf2                               the same for boards that are flashed as a drive
firmware.bit                               the bitstream with the image in its memory (targets with an FPGA)
model.tflite or .onnx, .keras              the model's file
golden.npz                                 seeded inputs and their outputs
manifest.json                              digests, sizes, arena map, layers, toolchain, golden checksums
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from smidgen import __version__
from smidgen.compile.emit import identifier, model_version
from smidgen.compile.figures import Figures, Golden
from smidgen.compile.schedule import Port, Schedule
from smidgen.compile.search import Plan
from smidgen.errors import Problem, UsageError
from smidgen.graph import DType
from smidgen.targets import Target

MANIFEST = "manifest.json"
ELF, BIN, HEX, UF2 = "firmware.elf", "firmware.bin", "firmware.hex", "firmware.uf2"
BITSTREAM = "firmware.bit"
LIBRARY, GOLDEN = "libmodel.so", "golden.npz"
# What is read of a manifest again.
_READ = {
    "smidgen": str, "model": str, "prefix": str, "version": str, "target": str, "optimize": str,
    "figures": dict, "planned": dict, "files": dict,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Bundle:
    """A built model. `manifest` is what `manifest.json` holds (see `make_manifest`); plan: what it was built
    from, None when the bundle was loaded from a folder."""

    folder: Path
    manifest: Mapping[str, Any]
    plan: Plan | None = None

    @property
    def name(self) -> str:
        return str(self.manifest["model"])

    @property
    def prefix(self) -> str:
        """How all C names of the model start."""
        return str(self.manifest["prefix"])

    @property
    def figures(self) -> Figures:
        return Figures(**self.manifest["figures"])

    @property
    def elf(self) -> Path | None:
        """The firmware image, None for a target without a board."""
        return self._file(ELF)

    @property
    def library(self) -> Path | None:
        """The shared library, None for other targets than host."""
        return self._file(LIBRARY)

    @property
    def source(self) -> Path | None:
        """The model's file, None when the bundle was built from a graph."""
        return self._file(str(self.manifest.get("source")))

    def _file(self, name: str) -> Path | None:
        return self.folder / name if name in self.manifest["files"] else None


def load_bundle(folder: str | Path) -> Bundle:
    """The bundle in a folder. Raises UsageError when it is none, or a file is not what was built."""
    folder = Path(folder)
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        _check(manifest)
    except (OSError, ValueError) as error:
        fix = "give the folder that `smidgen build -o` wrote"
        raise UsageError(Problem(str(folder), f"is not a bundle: {error}", fix)) from None
    digests: Mapping[str, str] = manifest["files"]
    damaged = [name for name, digest in digests.items() if _digest(folder / name) != digest]
    if damaged:
        what = f"these files are not as they were built: {', '.join(damaged)}"
        raise UsageError(Problem(str(folder), what, "build the bundle again"))
    return Bundle(folder, manifest)


def _check(manifest: Any) -> None:
    """ValueError unless everything is there that is read of a manifest again, in its type."""
    for key, kind in _READ.items():
        if not isinstance(manifest, dict) or not isinstance(manifest.get(key), kind):
            raise ValueError(f"its {MANIFEST} has no usable '{key}'")
    if unknown := manifest["figures"].keys() ^ {field.name for field in fields(Figures)}:
        raise ValueError(f"its {MANIFEST} has other 'figures': {', '.join(sorted(unknown))}")
    if missing := {"arena", "limit"} - manifest["planned"].keys():
        raise ValueError(f"its {MANIFEST} does not say how it was planned: {', '.join(sorted(missing))}")


def write_manifest(folder: Path, manifest: dict[str, Any]) -> Bundle:
    """Add the digest of every file in the folder, write `manifest.json`, give the bundle."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    manifest["files"] = {path.relative_to(folder).as_posix(): _digest(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return Bundle(folder, manifest)


def make_manifest(
    plan: Plan,
    figures: Figures,
    target: Target,
    optimize: str,
    toolchain: dict[str, Any],
    golden: tuple[Golden, ...],
    passes: Mapping[str, int],
) -> dict[str, Any]:
    """Everything that is known about a build except its files; sizes in bytes."""
    schedule = plan.schedule
    return {
        "smidgen": __version__,
        "model": schedule.name,
        "prefix": identifier(schedule.name),
        "version": model_version(schedule),
        "target": target.name,
        "optimize": optimize,
        "toolchain": toolchain,
        "figures": asdict(figures),
        "arena": {
            "bytes": schedule.arena_bytes,
            "tensors_bytes": schedule.arena_tensors_bytes,
            "lower_bound_bytes": schedule.arena_lower_bound_bytes,
            "live_bytes": schedule.arena_live_bytes,
            "banded_layers": plan.layers,
            "bands": plan.bands,
            "recomputed_macs": plan.recomputed_macs,
            "buffers": [
                {
                    "name": buffer.name,
                    "offset": buffer.offset,
                    "bytes": buffer.bytes,
                    "role": buffer.role.value,
                    "first": buffer.first,
                    "last": buffer.last,
                    "within": buffer.within,
                    "tensors": list(buffer.tensors),
                }
                for buffer in schedule.buffers.values()
            ],
        },
        "inputs": [_port(schedule, port) for port in schedule.inputs],
        "outputs": [_port(schedule, port) for port in schedule.outputs],
        "layers": [_layer(schedule, index) for index in range(len(schedule.calls))],
        "passes": dict(passes),
        "golden": [{"seed": one.seed, "checksums": list(one.checksums)} for one in golden],
    }


def _port(schedule: Schedule, port: Port) -> dict[str, Any]:
    quantization = port.quantization
    per_tensor = quantization is not None and quantization.axis is None
    return {
        "name": port.tensor,
        "offset": schedule.buffers[port.buffer].offset,
        "bytes": schedule.buffers[port.buffer].bytes,
        "shape": list(port.shape),
        "dtype": port.dtype.value,
        "scale": float(quantization.scale[0]) if quantization is not None and per_tensor else None,
        "zero_point": int(quantization.zero_point[0]) if quantization is not None and per_tensor else 0,
    }


def _layer(schedule: Schedule, index: int) -> dict[str, Any]:
    call = schedule.calls[index]
    constants = {name for name in (*call.blobs, *call.reads) if name in schedule.blobs}
    return {
        "id": index,
        "name": call.id,
        "type": call.type_name,
        "kernel": f"{call.kernel_set}/{call.symbol}",
        "detail": call.detail,
        "macs": call.macs,
        "cost": asdict(call.cost) if call.cost else None,
        "weights_bytes": sum(schedule.blobs[name].bytes for name in constants),
        "scratch_bytes": schedule.buffers[call.scratch].bytes if call.scratch else 0,
        "outputs": [
            {
                "tensor": name,
                "offset": schedule.buffers[name].offset,
                "bytes": schedule.buffers[name].bytes,
                "dtype": DType(schedule.buffers[name].dtype).value,
            }
            for name in call.writes
        ],
    }


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
