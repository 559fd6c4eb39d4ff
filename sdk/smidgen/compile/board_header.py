"""board_target.h: what a target file says about its board, for the board's C code."""

from __future__ import annotations

from smidgen.targets import HeaderWords, SetupStep, Target

BOARD_HEADER = "board_target.h"


def board_header(target: Target) -> str:
    """The text of board_target.h; "" for a board whose code asks nothing of the target file."""
    assert target.board is not None
    uart = target.board.uart
    if uart is None:
        return ""
    lines = [
        f"/* Generated from the target file of {target.name}. */",
        "#ifndef SMIDGEN_BOARD_TARGET_H",
        "#define SMIDGEN_BOARD_TARGET_H",
        "",
        f'#define BOARD_NAME "{target.name}"',
        f"#define BOARD_CLOCK_HZ {target.core.clock_hz or 0}u",
        f'#define BOARD_UART_DRIVER "uart/{uart.driver}.h"',
        f"#define BOARD_UART_BASE {uart.base:#x}u",
        f"#define BOARD_UART_CLOCK_HZ {uart.clock_hz}u",
        f"#define BOARD_UART_BAUD {target.serial.baud if target.serial else 115200}u",
        f"#define BOARD_UART_INTERRUPT {uart.interrupt}u",
    ]
    if target.board.boot_header:
        words = ", ".join(f"{word:#x}u" for word in header_words(target.board.boot_header))
        lines.append(f"#define BOARD_BOOT_HEADER {words}")
    steps = [f"    {text}" for step in target.board.setup for text in _statements(step)]
    lines += [" \\\n".join(["#define BOARD_SETUP", *steps]), "", "#endif", ""]
    return "\n".join(lines)


def header_words(pieces: tuple[HeaderWords, ...]) -> list[int]:
    """All words from the start of the flash on; gaps are those of erased flash."""
    end = max((piece.offset // 4 + len(piece.words) for piece in pieces), default=0)
    words = [0xFFFF_FFFF] * end
    for piece in pieces:
        words[piece.offset // 4 : piece.offset // 4 + len(piece.words)] = piece.words
    return words


def _statements(step: SetupStep) -> list[str]:
    result = [f"/* {step.does} */"]
    if step.write is not None:
        result.append(f"register_write({step.register:#x}u, {step.write:#x}u);")
    elif step.clear or step.set:
        result.append(f"register_change({step.register:#x}u, {step.clear:#x}u, {step.set:#x}u);")
    if step.mask:
        result.append(f"register_wait({step.register:#x}u, {step.mask:#x}u, {step.until:#x}u);")
    return result
