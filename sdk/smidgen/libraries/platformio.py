"""PlatformIO: a library with library.json; its examples are projects."""

from __future__ import annotations

from smidgen.libraries.format import Format

FORMAT = Format(
    name="platformio",
    specification="PlatformIO's library.json",
    tool="PlatformIO Core",
    proven=True,
    proof="built with PlatformIO Core and SCons (PyPI) for the host and a Cortex-M, run there and in QEMU; "
    "its registry was out of reach, so the platform is the tests' own; packed by `pio pkg pack`",
    program="src/main.c",
    longest_name=50,
)
