"""What a target file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smidgen.npu.descriptor import Engine

RUNNERS = ("host", "verilator", "qemu", "rp2040js", "serial")
MEMORY_KINDS = ("flash", "ram")
EXTERNAL = "external"  # the kind of memory outside the chip, for weights and arena
STORAGE = "storage"  # and of flash that images are kept in, and copied from to run


@dataclass(frozen=True)
class Memory:
    """A region of the address map: origin and length in bytes; kind is "flash", "ram", "external" or
    "storage".

    latency_cycles and word_cycles: of external memory, what an access of the core and a word of a burst take.
    """

    name: str
    origin: int
    length: int
    kind: str
    latency_cycles: int = 1
    word_cycles: int = 1

    @property
    def end(self) -> int:
        return self.origin + self.length


@dataclass(frozen=True)
class Chip:
    """What the chip has at which address, whatever of it the target uses.

    boot: where it looks for its vectors after a reset, or for a header that says where they are.
    """

    boot: int
    memories: tuple[Memory, ...]
    peripherals: tuple[Memory, ...]


@dataclass(frozen=True)
class Core:
    """isa and abi as the compiler spells them ("host" for this machine); clock_hz is None when unknown."""

    isa: str
    abi: str
    clock_hz: int | None


@dataclass(frozen=True)
class ToolchainSettings:
    """The compiler's name, flags for every file, and more for the model, by `--optimize`."""

    compiler: str
    flags: tuple[str, ...]
    speed: tuple[str, ...]
    size: tuple[str, ...]


@dataclass(frozen=True)
class Uart:
    """The serial line's peripheral: driver (a header of firmware/boards/uart), address of its registers,
    the clock that its divider divides, and the number of its interrupt."""

    driver: str
    base: int
    clock_hz: int
    interrupt: int


@dataclass(frozen=True)
class SetupStep:
    """A register to be changed at boot: written when `write` is given, otherwise with bits cleared and then
    set; then waited for until the bits of `mask` are those of `until`. `does` says what it is for."""

    does: str
    register: int
    write: int | None = None
    clear: int = 0
    set: int = 0
    mask: int = 0
    until: int = 0


@dataclass(frozen=True)
class HeaderWords:
    """Words that the chip's boot ROM wants at this offset of the flash, before the vectors."""

    offset: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class Board:
    """folder: startup code, linker script, drivers, and a `board.toml` that says how they are built.

    What the folder's code takes from the target file: uart, setup, boot_header.
    """

    folder: Path
    uart: Uart | None = None
    setup: tuple[SetupStep, ...] = ()
    boot_header: tuple[HeaderWords, ...] = ()


@dataclass(frozen=True)
class Runner:
    """What runs the image: "host", "verilator" with a hardware configuration, "qemu" with a machine,
    "rp2040js" or, on a board, "serial"."""

    kind: str
    configuration: str = ""
    machine: str = ""


@dataclass(frozen=True)
class ChipId:
    """What the chip says it is: the bits of `mask` of the word at address `register` are `value`; register is
    None where the flashing method has a question of its own for it."""

    value: int
    register: int | None = None
    mask: int = 0xFFFF_FFFF


@dataclass(frozen=True)
class Flasher:
    """How the image gets onto the board: `method` and its options (see smidgen.targets.flasher).

    usb: "vvvv:pppp", vendor and product of the USB devices that lead to such a board (none: any may).
    """

    method: str
    options: Mapping[str, str | int | tuple[str, ...]] = field(default_factory=dict)
    usb: tuple[str, ...] = ()
    chip_id: ChipId | None = None


@dataclass(frozen=True)
class Bootloader:
    """Our own boot loader (docs/bootloader.md), first in the flash; what follows is two slots for images, or,
    where there is storage, the image that runs.

    length: bytes that it has of the flash; block_bytes: what the chip erases at once; trial_seconds: how long
    a new image may take to prove itself; storage_offset: where in the storage the slots begin.
    """

    length: int
    block_bytes: int
    trial_seconds: float
    storage_offset: int = 0


@dataclass(frozen=True)
class Fpga:
    """What Midge's system is made for, beside what the target says of memories, clock and serial line.

    device, package and speed_grade as Lattice names them; configuration: one of hw/configurations.toml; top:
    the board's module, in a file of its name; pins: its LPF file; clock_input_hz: its clock.
    """

    device: str
    package: str
    speed_grade: int
    configuration: str
    top: Path
    pins: Path
    clock_input_hz: int


@dataclass(frozen=True)
class Serial:
    """The serial line: port ("" when the runner gives it) and bits per second."""

    port: str = ""
    baud: int = 115200


@dataclass(frozen=True)
class Target:
    """A checked target file.

    kernels: the kernel sets in order of preference; proven: whether firmware built for it has run there;
    engine: the neural engine beside the core.
    """

    name: str
    description: str
    path: Path
    core: Core
    memories: tuple[Memory, ...]
    kernels: tuple[str, ...]
    toolchain: ToolchainSettings
    board: Board | None
    runner: Runner
    flasher: Flasher | None = None
    serial: Serial | None = None
    proven: bool = True
    bootloader: Bootloader | None = None
    fpga: Fpga | None = None
    engine: Engine | None = None

    @property
    def is_host(self) -> bool:
        return self.runner.kind == "host"

    def memory_of_kind(self, kind: str) -> Memory | None:
        return next((memory for memory in self.memories if memory.kind == kind), None)

    @property
    def slots(self) -> tuple[Memory, ...]:
        """Where the board keeps images: halves of what the boot loader leaves of the flash, in whole blocks.
        In storage they are as large as an image in program memory can become."""
        flash, storage = self.memory_of_kind("flash"), self.memory_of_kind(STORAGE)
        if self.bootloader is None or flash is None:
            return ()
        block, room = self.bootloader.block_bytes, flash.length - self.bootloader.length
        first, length = flash.origin + self.bootloader.length, room // 2
        if storage is not None:
            first = storage.origin + self.bootloader.storage_offset
            length = min((storage.end - first) // 2, room + block)
        length = length // block * block
        return tuple(Memory(f"slot {i}", first + i * length, length, "flash") for i in range(2))

    @property
    def image_flash(self) -> Memory | None:
        """The flash that outlives a reset, with the images: the storage where there is some."""
        return self.memory_of_kind(STORAGE) or self.memory_of_kind("flash")
