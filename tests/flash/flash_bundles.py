"""Bundles for tests of flashers: an image of any bytes, in a folder that is whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from smidgen.compile.bundle import BIN, BITSTREAM, ELF, HEX, Bundle, write_manifest
from smidgen.compile.figures import Figures
from smidgen.targets import load_target


def image_of(size: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def make_bundle(folder: Path, target: str, image: bytes = b"image") -> Bundle:
    """A bundle that was never built; target: its name or its file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (ELF, BIN, HEX, BITSTREAM):
        (folder / name).write_bytes(image)
    manifest = {
        "smidgen": "0", "model": "m", "prefix": "m", "version": "0", "target": load_target(target).name,
        "optimize": "speed", "figures": asdict(Figures(0)), "planned": {"arena": "fast", "limit": None},
    }  # fmt: skip
    return write_manifest(folder, manifest)


def target_with(folder: Path, name: str, flasher: str) -> Path:
    """The file of a target of the package with another `[flasher]`."""
    text = load_target(name).path.read_text(encoding="utf-8")
    before, _, after = text.partition("[flasher]")
    rest = after.partition("\n[serial]")[2]
    path = folder / f"{name}.toml"
    path.write_text(f"{before}[flasher]\n{flasher}\n\n[serial]{rest}", encoding="utf-8")
    return path
