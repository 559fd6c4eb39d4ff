"""Between real and quantized, and from one quantization to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class Quantize(Operator):
    """f32 or quantized input to the output tensor's quantization."""

    type_name: ClassVar[str] = "QUANTIZE"


@dataclass(frozen=True)
class Dequantize(Operator):
    """Quantized input to f32."""

    type_name: ClassVar[str] = "DEQUANTIZE"
