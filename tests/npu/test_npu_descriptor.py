"""Descriptors of the neural engine: table, classes, the RTL's structs and the hardware's rules agree."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from smidgen.npu.descriptor import (
    TYPES,
    Add,
    Before,
    Convolution,
    Depthwise,
    Descriptor,
    Engine,
    Load,
    MaxPool,
    Store,
    check,
    check_list,
    decode,
    encode,
    encode_list,
    layout,
    table,
)

SEED = 5
ENGINE = Engine()
MANY = Before(9, 9, 9)

WINDOW = {
    "input_address": 16, "input_row_bytes": 96, "input_rows": 5, "row_step": 96, "column_step": 8,
    "kernel_rows": 3, "stride_y": 1, "output_width": 12, "output_rows": 5, "output_address": 1024,
    "output_pixel_bytes": 8, "output_row_bytes": 96, "blocks": 2, "input_zero_point": -3, "channels": 8,
}  # fmt: skip
TRANSFER = {"base": 1, "memory_offset": 64, "buffer_address": 128, "bytes": 30}
RIGHT: dict[str, Descriptor] = {
    "load": Load(**TRANSFER, buffer=1),
    "store": Store(**TRANSFER),
    "convolution": Convolution(**WINDOW, chunks=2),
    "depthwise": Depthwise(**WINDOW | {"blocks": 1}, kernel_width=3, stride_x=1),
    "max_pool": MaxPool(**WINDOW | {"blocks": 1}, kernel_width=9, stride_x=2),
    "add": Add(
        a_address=0, b_address=64, output_address=128, bytes=64, multiplier_a=1 << 30, multiplier_b=5,
        multiplier_output=7, shift_a=-1, shift_b=0, shift_output=-17, input_zero_point=3,
        output_zero_point=-128, b_zero_point=-5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_words_and_values_lead_to_each_other(kind: str) -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(20):
        values = {}
        for field in layout(kind)[1:]:
            low = -(1 << (field.bits - 1)) if field.signed else 0
            values[field.name] = int(rng.integers(low, low + (1 << field.bits)))
        descriptor = TYPES[kind](**values)
        assert decode(encode(descriptor)) == descriptor


@pytest.mark.parametrize("kind", TYPES)
def test_classes_have_the_fields_of_the_table_and_bits_have_one_meaning(kind: str) -> None:
    named = [field.name for field in layout(kind)]
    assert sorted(named) == sorted(["kind", *(field.name for field in fields(TYPES[kind]))])
    bits = [(field.word, field.low + bit) for field in layout(kind) for bit in range(field.bits)]
    assert len(bits) == len(set(bits))
    assert all(word < 16 and bit < 32 for word, bit in bits)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match="channels = 65536"):
        encode(replace(RIGHT["convolution"], channels=1 << 16))
    with pytest.raises(ValueError, match="15 is no kind"):
        decode(np.full(16, 15, np.uint32))


# ------------------------------------------------------------------------------------------ the RTL

STRUCTS = {
    "load": "transfer_t", "store": "transfer_t", "convolution": "layer_t", "depthwise": "layer_t",
    "max_pool": "layer_t", "add": "addition_t",
}  # fmt: skip
OTHER_NAMES = {"buffer": "target"}  # words of SystemVerilog


def structs(text: str) -> dict[str, list[tuple[str, int]]]:
    """(name, bits) of the members of each packed struct, the lowest first."""
    found: dict[str, list[tuple[str, int]]] = {}
    for body, name in re.findall(r"typedef struct packed \{(.*?)\} (\w+);", text, re.DOTALL):
        members: list[tuple[str, int]] = []
        for line in re.sub(r"//.*", "", body).split(";"):
            if match := re.search(r"logic (?:signed )?(?:\[(\d+):0\])?\s*(\w+)", line):
                members.append((match[2], int(match[1] or 0) + 1))
            elif line.strip():
                members += reversed(found[line.split()[0]])
        found[name] = members[::-1]
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_the_structs_of_the_rtl_are_the_table(repository: Path, kind: str) -> None:
    members = structs((repository / "hw/npu/npu_package.sv").read_text())[STRUCTS[kind]]
    places, at = {}, 0
    for name, bits in members:
        places[name] = divmod(at, 32)
        at += bits
    assert at == 512
    for field in layout(kind):
        name = OTHER_NAMES.get(field.name, field.name)
        assert places[name] == (field.word, field.low), field.name


def test_kinds_and_errors_of_the_rtl_are_the_table(repository: Path) -> None:
    text = (repository / "hw/npu/npu_package.sv").read_text()
    for prefix, names in (("KIND", table()["kinds"]), ("ERROR", table()["errors"])):
        constants = re.findall(rf"localparam logic \[\d:0\] {prefix}_(\w+) = \d'd(\d+);", text)
        assert {name.lower(): int(code) for name, code in constants} == names


# ------------------------------------------------------------------------------------------ the rules


@pytest.mark.parametrize("kind", TYPES)
def test_right_ones_are_taken(kind: str) -> None:
    assert check(encode(RIGHT[kind]), ENGINE, MANY) == 0


WRONG = [
    ("load", {"width": 1}, "width"),
    ("convolution", {"width": 3}, "width"),
    ("load", {"memory_offset": 2}, "misaligned"),
    ("store", {"buffer_address": 1}, "misaligned"),
    ("depthwise", {"output_address": 1026}, "misaligned"),
    ("convolution", {"output_pixel_bytes": 6}, "misaligned"),
    ("max_pool", {"output_row_bytes": 97}, "misaligned"),
    ("add", {"bytes": 62}, "misaligned"),
    ("add", {"b_address": 3}, "misaligned"),
    ("load", {"bytes": 0}, "size"),
    ("convolution", {"chunks": 0}, "size"),
    ("convolution", {"output_rows": 0}, "size"),
    ("convolution", {"blocks": 3}, "size"),
    ("convolution", {"width": 1}, "size"),  # blocks of 8 output channels
    ("depthwise", {"kernel_width": 5}, "size"),
    ("max_pool", {"stride_x": 0}, "size"),
    ("add", {"bytes": 0}, "size"),
    ("store", {"after_loads": 10}, "waits"),
    ("add", {"after_computes": 10}, "waits"),
    ("load", {"after_stores": 10}, "waits"),
    ("load", {"buffer_address": 32768 - 28}, "outside"),
    ("store", {"buffer_address": 32768 - 28}, "outside"),
    ("convolution", {"input_address": 32768 - 5 * 96 + 1}, "outside"),
    ("convolution", {"output_address": 32768 - 5 * 96 + 4}, "outside"),
    ("convolution", {"weight_word": 512 - 13}, "outside"),
    ("depthwise", {"weight_word": 512 - 6}, "outside"),
    ("add", {"b_address": 32768 - 60}, "outside"),
]


@pytest.mark.parametrize(("kind", "change", "rule"), WRONG)
def test_each_rule_has_its_code(kind: str, change: dict[str, int], rule: str) -> None:
    words = encode(replace(RIGHT[kind], **change))
    assert check(words, ENGINE, MANY) == table()["errors"][rule]
    assert check_list(np.stack([words]), ENGINE) is not None


def test_what_just_fits_is_taken() -> None:
    for kind, change in (
        ("load", {"buffer_address": 32768 - 32}),
        ("store", {"buffer_address": 32768 - 32}),
        ("convolution", {"input_address": 32768 - 5 * 96}),
        ("convolution", {"output_address": 32768 - 5 * 96}),
        ("convolution", {"weight_word": 512 - 14}),
        ("depthwise", {"weight_word": 512 - 7}),
        ("max_pool", {"weight_word": 65535}),
    ):
        assert check(encode(replace(RIGHT[kind], **change)), ENGINE, MANY) == 0, kind


def test_every_bit_without_a_name_must_be_zero() -> None:
    for kind, right in RIGHT.items():
        named = {(field.word, field.low + bit) for field in layout(kind) for bit in range(field.bits)}
        for word in range(16):
            for bit in range(4 if word == 0 else 0, 32):  # of the same kind
                words = encode(right)
                words[word] |= np.uint32(1 << bit)
                refused = check(words, ENGINE, MANY) == table()["errors"]["must_be_zero"]
                assert refused == ((word, bit) not in named), (kind, word, bit)


def test_unknown_kinds_are_refused_before_all_else() -> None:
    for kind in (0, *range(7, 16)):
        words = np.full(16, 0xFFFFFFFF, np.uint32)
        words[0] = 0xFFFFFFF0 | kind
        assert check(words, ENGINE, MANY) == table()["errors"]["unknown_kind"]


def test_of_several_rules_the_first_of_the_table_counts() -> None:
    every = replace(
        RIGHT["convolution"], width=3, output_address=32766, chunks=0, after_loads=99, input_address=99999
    )
    cures = [
        ({}, "width"), ({"width": 0}, "misaligned"), ({"output_address": 32764}, "size"),
        ({"chunks": 2}, "waits"), ({"after_loads": 0}, "outside"),
    ]  # fmt: skip
    for change, rule in cures:
        every = replace(every, **change)
        assert check(encode(every), ENGINE, MANY) == table()["errors"][rule]


def test_a_list_is_refused_at_its_first_wrong_descriptor() -> None:
    waiting = replace(RIGHT["store"], after_loads=1)
    load = replace(RIGHT["load"], buffer=0)
    assert check_list(encode_list([load, waiting]), ENGINE) is None
    assert check_list(encode_list([waiting, load]), ENGINE) == (table()["errors"]["waits"], 0)
    assert check_list(encode_list([load, waiting, replace(load, bytes=0)]), ENGINE) == (
        table()["errors"]["size"],
        2,
    )


def test_engines_with_fewer_lanes_have_other_words() -> None:
    small = Engine(lanes=8)
    assert (small.word_bytes, small.quad_words) == (32, 2)
    assert small.block_words(RIGHT["convolution"]) == 2 + 3 * 2
    assert small.block_words(RIGHT["depthwise"]) == 2 * 2 + 3
