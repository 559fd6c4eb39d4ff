"""PlatformIO: a library with library.json; its examples are projects."""

from __future__ import annotations

from smidgen.libraries.format import Format

FORMAT = Format(
    name="platformio",
    specification="PlatformIO's library.json",
    tool="PlatformIO Core",
    proven=True,
    proof="built with PlatformIO Core (its platforms cannot be had offline: the tests bring one) for the "
    "host and for a Cortex-M, and run there and in QEMU; packed by `pio pkg pack`",
    program="src/main.c",
    longest_name=50,
)
