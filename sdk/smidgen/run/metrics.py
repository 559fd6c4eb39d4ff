"""How two tensors differ, in the columns that users of STM32Cube.AI's `validate` know."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

COLUMNS = ("acc", "rmse", "mae", "l2r", "mean", "std", "nse", "cos")


@dataclass
class Comparison:
    """Gathers two series of tensors, ours and the oracle's, and says how far they are apart.

    Bytes are compared as stored, the other figures on real (dequantized) values.
    """

    samples: int = 0
    bytes: int = 0
    mismatched_bytes: int = 0
    first_mismatch: tuple[int, int, int, int] | None = None
    _count: int = 0
    _error: float = 0.0
    _error_squared: float = 0.0
    _error_absolute: float = 0.0
    _oracle: float = 0.0
    _oracle_squared: float = 0.0
    _ours_squared: float = 0.0
    _product: float = 0.0
    _agreeing: int = 0

    def add(
        self, ours: np.ndarray, oracle: np.ndarray, real_ours: np.ndarray, real_oracle: np.ndarray
    ) -> None:
        """One sample: the tensors as stored (same shape and type), and the values that they stand for."""
        left = np.ascontiguousarray(ours).reshape(-1)
        right = np.ascontiguousarray(oracle).reshape(-1)
        different = left.view(np.uint8) != right.view(np.uint8)
        self.bytes += different.size
        self.mismatched_bytes += int(different.sum())
        if self.first_mismatch is None and different.any():
            index = int(np.argmax(different)) // left.itemsize
            self.first_mismatch = (self.samples, index, left[index].item(), right[index].item())
        self.samples += 1
        a = np.asarray(real_ours, np.float64).reshape(-1)
        b = np.asarray(real_oracle, np.float64).reshape(-1)
        error = a - b
        self._count += a.size
        self._error += float(error.sum())
        self._error_squared += float(error @ error)
        self._error_absolute += float(np.abs(error).sum())
        self._oracle += float(b.sum())
        self._oracle_squared += float(b @ b)
        self._ours_squared += float(a @ a)
        self._product += float(a @ b)
        self._agreeing += int(a.size > 0 and np.argmax(a) == np.argmax(b))

    @property
    def bit_exact(self) -> bool:
        return self.mismatched_bytes == 0

    def columns(self) -> dict[str, float | None]:
        """acc: share of samples whose largest element is the same; rmse, mae: root mean square and mean
        absolute error; l2r: norm of the error over that of the oracle; mean, std: of the error; nse:
        Nash-Sutcliffe efficiency; cos: cosine similarity. None where a figure is undefined."""
        if not self._count:
            return dict.fromkeys(COLUMNS)
        mean = self._error / self._count
        mean_square = self._error_squared / self._count
        spread = self._oracle_squared - self._oracle**2 / self._count
        norms = math.sqrt(self._ours_squared * self._oracle_squared)
        # Equal series are exactly alike, whatever the rounding of the sums says.
        same = self._error_squared == 0
        return {
            "acc": self._agreeing / self.samples,
            "rmse": math.sqrt(mean_square),
            "mae": self._error_absolute / self._count,
            "l2r": math.sqrt(self._error_squared / self._oracle_squared) if self._oracle_squared else None,
            "mean": mean,
            "std": math.sqrt(max(mean_square - mean**2, 0.0)),
            "nse": 1.0 if same else (1 - self._error_squared / spread if spread > 0 else None),
            "cos": 1.0 if same else (self._product / norms if norms else None),
        }
