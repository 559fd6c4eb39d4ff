"""Arduino: a library of the 1.5 format, whose sources are compiled recursively."""

from __future__ import annotations

from smidgen.libraries.content import Library
from smidgen.libraries.format import Format
from smidgen.libraries.templates import fill_folder

# Platforms whose int has 32 bits and whose constants stay in flash. Others get a warning from Arduino.
ARCHITECTURES = (
    "esp32", "mbed", "mbed_edge", "mbed_giga", "mbed_nano", "mbed_nicla", "mbed_opta", "mbed_portenta",
    "mbed_rp2040", "nrf52", "renesas_portenta", "renesas_uno", "rp2040", "sam", "samd", "stm32",
)  # fmt: skip


def layout(library: Library) -> dict[str, str]:
    examples = library.examples("ino")
    return {
        **fill_folder("arduino", {**library.values(), "architectures": ",".join(ARCHITECTURES)}),
        **library.legal(),
        **{f"src/{path}": text for path, text in library.sources.items()},
        **{f"examples/{name}/{name}.ino": text for name, text in examples.items()},
        "examples/golden_test/golden.h": library.golden,
    }


FORMAT = Format(
    name="arduino",
    layout=layout,
    specification="Arduino library specification, 1.5 format, revision 2.2",
    tool="arduino-builder",
    proven=True,
    proof="built with arduino-builder for a Cortex-M and run in QEMU",
    reserved=frozenset({"arduino", "spi", "wire"}),  # headers of every core, where case does not count
)
