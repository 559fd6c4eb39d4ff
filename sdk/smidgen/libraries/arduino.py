"""Arduino: a library of the 1.5 format, whose sources are compiled recursively."""

from __future__ import annotations

from smidgen.libraries.format import Format

# Platforms whose int has 32 bits and whose constants stay in flash. Others get a warning from Arduino.
ARCHITECTURES = (
    "esp32", "mbed", "mbed_edge", "mbed_giga", "mbed_nano", "mbed_nicla", "mbed_opta", "mbed_portenta",
    "mbed_rp2040", "nrf52", "renesas_portenta", "renesas_uno", "rp2040", "sam", "samd", "stm32",
)  # fmt: skip


FORMAT = Format(
    name="arduino",
    specification="Arduino library specification, 1.5 format, revision 2.2",
    tool="arduino-builder",
    proven=True,
    proof="built with arduino-builder (Debian) for a Cortex-M board of the tests' own and run in QEMU",
    program="@{example}.ino",
    values={"architectures": ",".join(ARCHITECTURES)},
    reserved=frozenset({"arduino", "spi", "wire"}),  # headers of every core, where case does not count
)
