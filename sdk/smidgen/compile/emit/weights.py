"""model_weights.h: every constant of the model as an array."""

from __future__ import annotations

import math

import numpy as np

from smidgen.compile.emit.names import array_type
from smidgen.compile.emit.template import comment_text, fill
from smidgen.compile.schedule import Blob

COLUMNS = {1: 16, 2: 12, 4: 8, 8: 4}
ALIGNMENT = 4  # kernels read narrow weights a word at a time


def is_weight(blob: Blob) -> bool:
    """Whether a constant counts as weights; lookup tables are part of the code."""
    return blob.what != "table"


def weights_h(heading: dict[str, object], prefix: str, blobs: dict[str, Blob], names: dict[str, str]) -> str:
    """The text of model_weights.h; `names` maps blob names to C identifiers."""
    return fill(
        "model_weights.h", PREFIX=prefix.upper(), arrays=constant_arrays(prefix, blobs, names), **heading
    )


def constant_arrays(prefix: str, blobs: dict[str, Blob], names: dict[str, str]) -> str:
    """Definitions of these constants, for a file that includes model.h."""
    return "".join(
        fill(
            "array.h",
            PREFIX=prefix.upper(),
            name=comment_text(blob.name),
            what=blob.what,
            bytes=f"{blob.bytes:,}",
            ctype=array_type(blob.data),
            identifier=names[name],
            count=max(blob.data.size, 1),
            alignment=max(ALIGNMENT, blob.data.itemsize),
            section=f" {prefix.upper()}_WEIGHTS_SECTION" if is_weight(blob) else "",
            values=_rows(blob.data),
        )
        for name, blob in blobs.items()
    )


def _rows(data: np.ndarray) -> str:
    flat = data.reshape(-1)
    if flat.size == 0:
        return "    0\n"
    texts = [_literal(value) for value in flat.tolist()]
    columns = COLUMNS[data.itemsize]
    rows = [", ".join(texts[i : i + columns]) for i in range(0, len(texts), columns)]
    return "".join(f"    {row},\n" for row in rows)


def _literal(value: int | float | bool) -> str:
    if isinstance(value, float):
        return float_literal(value)
    if value == -(2**31):
        return "-2147483647 - 1"
    return f"{int(value)}u" if value > 2**31 - 1 else str(int(value))


def float_literal(value: float) -> str:
    """A C constant that is exactly this float32."""
    if math.isnan(value) or math.isinf(value):
        # No constant expression of C99 says it without <math.h>; a division does.
        return "(0.0f / 0.0f)" if math.isnan(value) else "(1.0f / 0.0f)" if value > 0 else "(-1.0f / 0.0f)"
    text = f"{float(np.float32(value)):.9g}"
    return f"{text if any(c in text for c in '.e') else text + '.0'}f"
