"""The cycles that the table gives each instruction are those of the hardware."""

from __future__ import annotations

import pytest
import xmidge_encoding as x
from midge_runner import Midge
from xmidge_model import TABLE

CYCLES = {instruction["name"]: instruction["cycles"] for instruction in TABLE["instruction"]}
COUNT = 8

# (instruction, what stands before it, the instruction as assembly, what its formula speaks of)
CASES: list[tuple[str, str, str, dict[str, int]]] = [
    ("set", "", "nn.set SHAPE, zero", {}),
    ("set", "", "nn.set TABLE_A, a1, zero", {}),
    ("get", "", "nn.get SHAPE, a3", {}),
    ("get", "", "nn.get ACCUMULATOR, a3, zero", {}),
    ("get", "", "nn.get TABLE_A, a3, zero", {}),
    ("rqv", "", "nn.rqv a3, a1, zero", {}),
    ("taba", "", "nn.taba zero, zero", {}),
    ("tabb", "", "nn.tabb zero, zero", {}),
    ("max4", "", "nn.max4 a3, a1, a3", {}),
    ("min4", "", "nn.min4 a3, a1, a3", {}),
]
for count in (1, 4, 64):
    CASES.append(("ldm", f"li a2, {count << 16}", "nn.ldm TABLE_A, a0, a2", {"count": count}))
for width, pixels, words in ((0, 1, 1), (0, 4, 1), (1, 3, 2), (2, 4, 4)):
    for misaligned in (0, 1):
        setup = f"put SHAPE, {x.shape(width, pixels, words)}\n put PIXEL_STEP, 8\n addi a0, a0, {misaligned}"
        values = {"pixels": pixels, "words": words, "misaligned": misaligned}
        CASES.append(("lda", setup, "nn.lda a0", values))
for channels in (1, 2, 3, 16):
    for name in ("mac", "macf"):
        CASES.append(
            (name, f"put SHAPE, {x.shape(channels=channels)}", f"nn.{name} a0", {"channels": channels})
        )
for rows, taps, stride, misaligned in (
    (0, 1, 1, 0), (1, 5, 1, 0), (3, 3, 1, 0), (3, 3, 1, 1), (4, 3, 1, 0), (3, 7, 1, 0), (1, 8, 4, 0),
):  # fmt: skip
    setup = f"put WINDOW, {x.window(0, rows, taps, stride)}\n put PIXEL_STEP, 8\n addi a0, a0, {misaligned}"
    values = {"rows": rows, "taps": -(-taps // stride), "misaligned": misaligned}
    CASES.append(("col", setup, "nn.col a0", values))
    if stride == 1:
        CASES.append(("cola", setup, "nn.cola a0", values))
        CASES.append(("colv", setup, "nn.colv zero", values))
        CASES.append(("colva", setup, "nn.colva zero", values))
for channels, pixels in ((1, 1), (5, 1), (16, 4)):
    values = {"channels": channels, "pixels": pixels}
    CASES.append(("rqc", f"put SHAPE, {x.shape(0, pixels, 1, channels)}", "nn.rqc a0, zero", values))
for windows, lanes in ((1, 1), (8, 4)):
    setup = f"put WINDOW, {x.window(lanes=lanes)}\n li a2, {windows << 8}"
    CASES.append(("rqw", setup, "nn.rqw a0, a2", {"windows": windows, "lanes": lanes}))
for channels in (1, 4):
    for name in ("add", "sub"):
        setup = f"put SHAPE, {x.shape(channels=channels)}"
        CASES.append((name, setup, f"nn.{name} a0, zero", {"channels": channels}))


def measured(xmidge: Midge, setup: str, instruction: str) -> float:
    """Cycles of one in a row: what COUNT more of them take, divided by COUNT."""
    rows = [
        f"  csrr s0, mcycle\n{f'  {instruction}{chr(10)}' * n}  csrr s1, mcycle\n" for n in (COUNT, 2 * COUNT)
    ]
    result, _ = xmidge.check_source(f"""
  li a0, 0x10005000
  li a1, 0x10005000
  {setup}
.balign 4
.option norvc
{rows[0]}  sub s2, s1, s0
{rows[1]}  sub s1, s1, s0
  sub s1, s1, s2
  report s1
  finish
""")
    return result.reported[-1] / COUNT


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {'-'.join(map(str, case[3].values()))}")
def test_cycles_of_an_instruction(xmidge: Midge, case: tuple[str, str, str, dict[str, int]]) -> None:
    name, setup, instruction, values = case
    expected = eval(CYCLES[name], {"__builtins__": {}, "max": max}, values)
    assert measured(xmidge, setup, instruction) == expected


def test_cycles_of_a_loop(xmidge: Midge) -> None:
    """loop itself; going back costs nothing."""
    body = "nn.loop a2, 8\n  addi a3, a3, 1\n  addi a4, a4, 1"
    for count in (1, 2, 10):
        assert measured(xmidge, f"li a2, {count}", body) == int(CYCLES["loop"]) + 2 * count
