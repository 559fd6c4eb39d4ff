"""CMSIS packs: a component with its sources, and the examples as its code templates."""

from __future__ import annotations

from smidgen.libraries.format import Format

FORMAT = Format(
    name="cmsis-pack",
    specification="Open-CMSIS-Pack, PACK.xsd 1.7",
    tool="cbuild (CMSIS-Toolbox)",
    proven=False,
    proof="CMSIS-Toolbox cannot be had from a package registry: the pack description is checked, and what it "
    "says is built for a Cortex-M and run in QEMU",
)
