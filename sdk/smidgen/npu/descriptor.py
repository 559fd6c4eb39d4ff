"""Descriptors of the neural engine: typed, to and from words, and the rules that the hardware checks.

Where the fields lie is in hw/npu/descriptor.toml, and what they mean.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from smidgen.paths import data_folder

VERSION = 1
WORDS = 16
BYTES = 4 * WORDS
QUAD = 4  # outputs that share a word of results
PARAMETER_BYTES = 48  # of a quad: bias, multiplier and shift
MOST_BYTES = (1 << 16) - 4  # that one load or store moves, in whole words
TAPS = 4  # columns of a depthwise kernel, at most


@dataclass(frozen=True)
class Engine:
    """The parameters with which an engine was made.

    lanes: input channels per cycle; the others: sizes of its buffers, powers of two.
    """

    lanes: int = 16
    activation_bytes: int = 1 << 15
    weight_bytes: int = 1 << 15

    @property
    def text(self) -> str:
        """Its parameters, for people."""
        return f"{self.lanes} lanes, {self.activation_bytes:,} and {self.weight_bytes:,} bytes of buffers"

    @property
    def capability(self) -> int:
        """What its register CAPABILITY reads."""
        sizes = (self.weight_bytes.bit_length() - 1) << 16 | (self.activation_bytes.bit_length() - 1) << 8
        return VERSION << 24 | sizes | self.lanes

    @property
    def word_bytes(self) -> int:
        """Of the weight buffer, read in one cycle."""
        return 4 * self.lanes

    @property
    def quad_words(self) -> int:
        """Words of the parameters of four outputs."""
        return -(-PARAMETER_BYTES // self.word_bytes)

    def macs_per_cycle(self, bits: int) -> int:
        """Products that the array makes at once with weights of so many bits."""
        return self.word_bytes * 8 // bits

    def block_outputs(self, descriptor: Window) -> int:
        """Output channels that are computed at once."""
        return 4 << descriptor.width if isinstance(descriptor, Convolution) else self.lanes

    def block_words(self, descriptor: Window) -> int:
        """Words of the weight buffer that a block takes."""
        if isinstance(descriptor, MaxPool):
            return 0
        row = descriptor.chunks if isinstance(descriptor, Convolution) else 1
        parameters = self.block_outputs(descriptor) // QUAD * self.quad_words
        return parameters + descriptor.kernel_rows * row


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """What all kinds have: it starts when so many loads, computes and stores of its list have finished."""

    width: int = 0
    after_loads: int = 0
    after_computes: int = 0
    after_stores: int = 0


@dataclass(frozen=True, kw_only=True)
class Transfer(Descriptor):
    base: int
    memory_offset: int
    buffer_address: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Load(Transfer):
    buffer: int


@dataclass(frozen=True, kw_only=True)
class Store(Transfer):
    pass


@dataclass(frozen=True, kw_only=True)
class Window(Descriptor):
    input_address: int
    input_row_bytes: int
    input_rows: int
    row_step: int
    pad_left_bytes: int = 0
    column_step: int
    pad_top: int = 0
    kernel_rows: int
    stride_y: int
    output_width: int
    output_rows: int
    output_address: int
    output_pixel_bytes: int
    output_row_bytes: int
    weight_word: int = 0
    blocks: int
    input_zero_point: int
    output_zero_point: int = 0
    clamp_min: int = -128
    clamp_max: int = 127
    channels: int

    @property
    def output_end(self) -> int:
        """The byte after the last result."""
        rows = (self.output_rows - 1) * self.output_row_bytes
        columns = (self.output_width - 1) * self.output_pixel_bytes
        return self.output_address + rows + columns + round_up(self.channels, QUAD)


@dataclass(frozen=True, kw_only=True)
class Convolution(Window):
    chunks: int


@dataclass(frozen=True, kw_only=True)
class Depthwise(Window):
    kernel_width: int
    stride_x: int


@dataclass(frozen=True, kw_only=True)
class MaxPool(Window):
    kernel_width: int
    stride_x: int


@dataclass(frozen=True, kw_only=True)
class Add(Descriptor):
    a_address: int
    b_address: int
    output_address: int
    bytes: int
    multiplier_a: int
    multiplier_b: int
    multiplier_output: int
    shift_a: int
    shift_b: int
    shift_output: int
    input_zero_point: int
    output_zero_point: int
    b_zero_point: int
    clamp_min: int = -128
    clamp_max: int = 127


TYPES: dict[str, type[Descriptor]] = {
    "load": Load,
    "store": Store,
    "convolution": Convolution,
    "depthwise": Depthwise,
    "max_pool": MaxPool,
    "add": Add,
}
_NAMES = {kind: name for name, kind in TYPES.items()}


class Field(NamedTuple):
    """Where a field lies in the words of a descriptor, and what it means."""

    name: str
    word: int
    low: int
    bits: int
    signed: bool
    meaning: str


def round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


@cache
def table() -> dict[str, Any]:
    """hw/npu/descriptor.toml."""
    return tomllib.loads((data_folder("hw") / "npu" / "descriptor.toml").read_text(encoding="utf-8"))


@cache
def layout(kind: str) -> tuple[Field, ...]:
    """The fields of a kind of descriptor."""
    return tuple(Field(*row) for part in table()["layout"] if kind in part["kinds"] for row in part["fields"])


def encode(descriptor: Descriptor) -> np.ndarray:
    """The descriptor as 16 words, uint32. Raises ValueError when a value does not fit its field."""
    name = _NAMES[type(descriptor)]
    words = [0] * WORDS
    for field in layout(name):
        value = table()["kinds"][name] if field.name == "kind" else int(getattr(descriptor, field.name))
        low = -(1 << (field.bits - 1)) if field.signed else 0
        if not low <= value < low + (1 << field.bits):
            raise ValueError(f"{name}: {field.name} = {value} does not fit its {field.bits} bits")
        words[field.word] |= (value & ((1 << field.bits) - 1)) << field.low
    return np.array(words, np.uint32)


def encode_list(descriptors: Sequence[Descriptor]) -> np.ndarray:
    """(descriptors, 16) words, as they lie in memory."""
    return np.stack([encode(descriptor) for descriptor in descriptors])


def decode(words: np.ndarray) -> Descriptor:
    """The descriptor of 16 words. Raises ValueError when it is of no known kind."""
    kind = int(words[0]) & 15
    name = next((name for name, code in table()["kinds"].items() if code == kind), None)
    if name is None:
        raise ValueError(f"{kind} is no kind of descriptor")
    values = {}
    for field in layout(name):
        value = int(words[field.word]) >> field.low & ((1 << field.bits) - 1)
        values[field.name] = (
            value - (1 << field.bits) if field.signed and value >> (field.bits - 1) else value
        )
    return TYPES[name](**{field.name: values[field.name] for field in fields(TYPES[name])})


def fault_text(value: int) -> str:
    """Why firmware gave up on the engine: what its register ERROR says, or, where lists are for an engine of
    another size, its register CAPABILITY."""
    if value >> 24:
        found = Engine(value & 0xFF, 1 << (value >> 8 & 0xFF), 1 << (value >> 16 & 0xFF))
        return (
            f"the neural engine has {found.text}, but the program was compiled for another one; build it for "
            "a target whose [engine] says so"
        )
    return f"the neural engine stopped with {error_text(value)}"


def error_text(register: int) -> str:
    """What the engine's ERROR register says: the code and the descriptor."""
    code, index = register & 0xFF, register >> 16
    names = [name for name, value in table()["errors"].items() if value == code]
    name = names[0].replace("_", " ") if names else "unknown"
    return f"error {code} ({name}) at descriptor {index}"


@dataclass(frozen=True)
class Before:
    """How many of a kind come before a descriptor in its list."""

    loads: int = 0
    computes: int = 0
    stores: int = 0

    def followed_by(self, descriptor: Descriptor) -> Before:
        is_load, is_store = isinstance(descriptor, Load), isinstance(descriptor, Store)
        return Before(
            self.loads + is_load, self.computes + (not is_load and not is_store), self.stores + is_store
        )


def check(words: np.ndarray, engine: Engine, before: Before) -> int:
    """0, or the code with which the hardware refuses the descriptor: that of the first rule it breaks."""
    errors = table()["errors"]
    kind = int(words[0]) & 15
    name = next((name for name, code in table()["kinds"].items() if code == kind), None)
    if name is None:
        return errors["unknown_kind"]
    named = [0] * WORDS
    for field in layout(name):
        named[field.word] |= ((1 << field.bits) - 1) << field.low
    if any(int(word) & ~mask for word, mask in zip(words, named, strict=True)):
        return errors["must_be_zero"]
    descriptor = decode(words)
    rules = {
        "width": descriptor.width > (2 if isinstance(descriptor, Convolution) else 0),
        "misaligned": _misaligned(descriptor),
        "size": _size(descriptor, engine),
        "waits": descriptor.after_loads > before.loads
        or descriptor.after_computes > before.computes
        or descriptor.after_stores > before.stores,
    }
    broken = next((rule for rule, is_broken in rules.items() if is_broken), None)
    if broken is None and _outside(descriptor, engine):
        broken = "outside"
    return errors[broken] if broken else 0


def check_list(words: np.ndarray, engine: Engine) -> tuple[int, int] | None:
    """(code, index) of the first descriptor of a list that is refused, None when none is."""
    before = Before()
    for index, one in enumerate(words):
        code = check(one, engine, before)
        if code:
            return code, index
        before = before.followed_by(decode(one))
    return None


_ALIGNED = {
    Transfer: ("memory_offset", "buffer_address"),
    Window: ("output_address", "output_pixel_bytes", "output_row_bytes"),
    Add: ("a_address", "b_address", "output_address", "bytes"),
}
_NOT_ZERO = {
    Transfer: ("bytes",),
    Add: ("bytes",),
    Window: (
        "input_row_bytes", "input_rows", "kernel_rows", "stride_y", "output_width", "output_rows",
        "blocks", "channels",
    ),
    Convolution: ("chunks",),
    Depthwise: ("kernel_width", "stride_x"),
    MaxPool: ("kernel_width", "stride_x"),
}  # fmt: skip


def _values(descriptor: Descriptor, names: dict[type, tuple[str, ...]]) -> list[int]:
    return [
        getattr(descriptor, name)
        for kind, of_kind in names.items()
        if isinstance(descriptor, kind)
        for name in of_kind
    ]


def _misaligned(descriptor: Descriptor) -> bool:
    return any(value % 4 for value in _values(descriptor, _ALIGNED))


def _size(descriptor: Descriptor, engine: Engine) -> bool:
    if 0 in _values(descriptor, _NOT_ZERO):
        return True
    if isinstance(descriptor, Depthwise) and descriptor.kernel_width > TAPS:
        return True
    if isinstance(descriptor, Window):
        return descriptor.blocks != -(-descriptor.channels // engine.block_outputs(descriptor))
    return False


def _outside(descriptor: Descriptor, engine: Engine) -> bool:
    activations = engine.activation_bytes
    if isinstance(descriptor, Load):
        size = engine.weight_bytes if descriptor.buffer else activations
        return descriptor.buffer_address + round_up(descriptor.bytes, 4) > size
    if isinstance(descriptor, Store):
        return descriptor.buffer_address + descriptor.bytes > activations
    if isinstance(descriptor, Add):
        addresses = (descriptor.a_address, descriptor.b_address, descriptor.output_address)
        return max(addresses) + descriptor.bytes > activations
    input_end = descriptor.input_address + descriptor.input_rows * descriptor.input_row_bytes
    weights_end = descriptor.weight_word + descriptor.blocks * engine.block_words(descriptor)
    outside = max(input_end, descriptor.output_end) > activations
    if isinstance(descriptor, MaxPool):
        return outside
    return outside or weights_end > engine.weight_bytes // engine.word_bytes
