"""Which rescalings 32-bit integer kernels can carry out without an overflow."""

from __future__ import annotations

from smidgen.graph.fixed_point import can_be_rescaled
from smidgen.importers.tflite.call import Call

_LIMIT = 1 << 31


def expect_rescalable(call: Call, multiplier: float, magnitude: int, what: str = "the sum") -> None:
    """Fail unless `magnitude`, the largest absolute value, can be multiplied by `multiplier` in 32 bits."""
    if magnitude >= _LIMIT:
        call.fail(f"{what} can reach {magnitude:,}, which overflows 32 bits", "the file is likely damaged")
    if not can_be_rescaled(magnitude, multiplier):
        call.fail(
            f"rescaling by {multiplier:g} overflows 32 bits: the output's scale is too small for its inputs'",
            "convert again with a representative_dataset that covers the real inputs",
        )
