"""`[flasher]`: the methods that write an image to a board, and what each wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smidgen.targets.table import Table
from smidgen.targets.types import ChipId, Flasher


@dataclass(frozen=True)
class _Option:
    """default: None when the target file must give it."""

    kind: Literal["text", "texts", "number"]
    default: str | int | tuple[str, ...] | None = None


_TEXT, _TEXTS, _NUMBER = _Option("text"), _Option("texts"), _Option("number")
_NO_TEXT, _NO_TEXTS, _ZERO = _Option("text", ""), _Option("texts", ()), _Option("number", 0)

METHODS: dict[str, dict[str, _Option]] = {
    "smp": {},
    "stm32_rom": {"family": _TEXT},
    "pyocd": {"target": _TEXT},
    "openocd": {"config": _TEXTS},
    "esptool": {"chip": _TEXT, "offset": _ZERO},
    "dfu_util": {"device": _TEXT, "alternate": _ZERO, "memory": _NO_TEXT, "address": _ZERO},
    "uf2": {"board": _TEXT, "family": _NUMBER},
    "openfpgaloader": {"board": _TEXT},
    "gdb": {"remote": _NO_TEXT, "before": _NO_TEXTS, "after": _NO_TEXTS},
    "program": {"command": _TEXT, "arguments": _NO_TEXTS},
}
# Methods that compare the chip's identity, and those of them that read it from a register themselves.
_IDENTIFYING = ("stm32_rom", "pyocd", "openocd", "openfpgaloader", "gdb")
_READING = ("pyocd", "openocd", "gdb")


def read_flasher(top: Table) -> Flasher | None:
    """The target's `[flasher]`, None when it has none."""
    table = top.table("flasher", required=False)
    if table is None:
        return None
    method = table.choice("method", tuple(METHODS))
    options = {name: _value(table, name, option) for name, option in METHODS.get(method, {}).items()}
    flasher = Flasher(
        method,
        options,
        usb=table.texts("usb", []),
        chip_id=_chip_id(table, method),
    )
    for number in flasher.usb:
        _check_usb(table, number)
    if method in METHODS:  # otherwise every other key would be called unknown
        table.finish()
    return flasher


def _value(table: Table, name: str, option: _Option) -> str | int | tuple[str, ...]:
    if option.kind == "number":
        default = option.default if isinstance(option.default, int) else None
        return table.number(name, default) or 0
    if option.kind == "texts":
        return table.texts(name, None if option.default is None else [])
    return table.text(name, option.default if isinstance(option.default, str) else None)


def _chip_id(table: Table, method: str) -> ChipId | None:
    if method not in _IDENTIFYING:
        return None
    values = table.table("chip_id", required=False)
    if values is None:
        return None
    register = values.number("register", required=False) if method in _READING else None
    if method in _READING and register is None:
        values.problem("register", "is missing", f"'{method}' reads the chip's identity from this address")
    mask = values.number("mask", 0xFFFF_FFFF) or 0 if method in _READING else 0xFFFF_FFFF
    chip_id = ChipId(values.number("value") or 0, register, mask)
    if chip_id.value & ~chip_id.mask:
        values.problem("value", f"can never be met: it has bits outside of 'mask', {chip_id.mask:#x}")
    values.finish()
    return chip_id


def _check_usb(table: Table, number: str) -> None:
    vendor, _, product = number.partition(":")
    digits = "0123456789abcdef"
    if not all(len(part) == 4 and set(part) <= set(digits) for part in (vendor, product)):
        table.problem(
            "usb", f"holds '{number}'", 'write "vvvv:pppp": vendor and product, lower-case hexadecimal'
        )
