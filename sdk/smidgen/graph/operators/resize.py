"""Resizing images. Input: x (N, H, W, C); the output tensor's shape says the new size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class ResizeNearestNeighbor(Operator):
    type_name: ClassVar[str] = "RESIZE_NEAREST_NEIGHBOR"
    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True)
class ResizeBilinear(Operator):
    """Between the four nearest input pixels; beyond the outermost pixel centres their value holds."""

    type_name: ClassVar[str] = "RESIZE_BILINEAR"
    align_corners: bool = False
    half_pixel_centers: bool = False
