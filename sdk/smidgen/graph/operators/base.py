"""What all operators share: the base class, fused activations and explicit padding."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Operator:
    """Base of all operators. `type_name` is the field's usual name, shown in tables."""

    type_name: ClassVar[str] = ""


class Activation(enum.Enum):
    """An activation fused into the operator before it, applied as a clamp in the quantized domain."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"
    RELU_N1_TO_1 = "relu_n1_to_1"


@dataclass(frozen=True)
class Padding:
    """Explicit padding in rows and columns; quantized tensors are padded with the zero point."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


NO_PADDING = Padding()


def same_padding(input_size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """(before, after) of TensorFlow's SAME padding along one axis; the odd element goes after."""
    output_size = -(-input_size // stride)
    total = max((output_size - 1) * stride + (kernel - 1) * dilation + 1 - input_size, 0)
    return total // 2, total - total // 2
