"""Small changes to images that leave their labels what they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """flip: mirror half of the images left to right; shift: move each by up to so many rows and columns,
    zeros coming in at the edges."""

    flip: bool = False
    shift: int = 0

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The changed images, of shape (N, H, W, C)."""
        if self.flip:
            chosen = rng.random(len(images)) < 0.5
            images = np.where(chosen[:, None, None, None], images[:, :, ::-1], images)
        if self.shift:
            margin = (self.shift, self.shift)
            padded = np.pad(images, ((0, 0), margin, margin, (0, 0)))
            height, width = images.shape[1:3]
            corners = rng.integers(0, 2 * self.shift + 1, (len(images), 2))
            moved = [
                image[row : row + height, column : column + width]
                for image, (row, column) in zip(padded, corners, strict=True)
            ]
            images = np.stack(moved)
        return images


NO_CHANGES = Augmentation()
