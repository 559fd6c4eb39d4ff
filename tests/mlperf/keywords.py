"""The keyword set as a data set of MLPerf Tiny's runner."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLASSES = 12


def keywords(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (500, 490) as they are sent, and labels."""
    with np.load(shared_data / "mlperf_tiny" / "kws_inputs.npz") as arrays:
        return arrays["x"].reshape(len(arrays["x"]), -1), arrays["y"]


def write_dataset(folder: Path, inputs: np.ndarray, labels: np.ndarray, further: str = "") -> Path:
    """Each input becomes a file, its bytes as they lie in memory; further: more columns of each row."""
    folder.mkdir()
    rows = []
    for index, (sample, label) in enumerate(zip(inputs, labels, strict=True)):
        (folder / f"{index:04d}.bin").write_bytes(sample.tobytes())
        rows.append(f"{index:04d}.bin, {CLASSES}, {label}{further}\n")
    (folder / "y_labels.csv").write_text("".join(rows))
    return folder
