"""Which rescalings 32-bit integer kernels can carry out without an overflow."""

from __future__ import annotations

import math

from smidgen.importers.tflite.call import Call

_LIMIT = 1 << 31


def expect_rescalable(call: Call, multiplier: float, magnitude: int, what: str = "the sum") -> None:
    """Fail unless `magnitude`, the largest absolute value, can be multiplied by `multiplier` in 32 bits.

    A multiplier is a 31-bit fraction and a power of two; a left shift is applied before the product
    (gemmlowp's doc/quantization.md), so the shifted value must still fit.
    """
    if magnitude >= _LIMIT:
        call.fail(f"{what} can reach {magnitude:,}, which overflows 32 bits", "the file is likely damaged")
    shift = max(math.frexp(multiplier)[1], 0)
    if not math.isfinite(multiplier) or magnitude << min(shift, 64) >= _LIMIT:
        call.fail(
            f"rescaling by {multiplier:g} overflows 32 bits: the output's scale is too small for its inputs'",
            "convert again with a representative_dataset that covers the real inputs",
        )
