"""Labelled pictures, cut into those that anything may be chosen on and those that only reports see."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from smidgen.compress.batches import Sample

WAKE_WORDS = 3000  # of the images, to choose on; the others are reported
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SEED = 1


@dataclass(frozen=True, eq=False)
class Data:
    """known, known_labels: to quantize with, to choose on and to train with; unseen, labels: to report on."""

    known: list[Sample]
    known_labels: np.ndarray
    unseen: list[Sample]
    labels: np.ndarray


def load_wake_words(folder: Path, held_back: int = 0) -> Data:
    """Pixels from 0 to 1; held_back: so many of the last that are known stand for those that are unseen."""
    with (folder / "vww96" / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with zipfile.ZipFile(folder / "vww96" / "images.zip") as archive:
        samples = [_picture(archive, row["image"], 1 / 255) for row in rows]
    labels = np.array([int(row["person"]) for row in rows])
    known = WAKE_WORDS - held_back
    unseen = slice(known, WAKE_WORDS) if held_back else slice(WAKE_WORDS, None)
    return Data(samples[:known], labels[:known], samples[unseen], labels[unseen])


def load_cifar10(folder: Path, images: int, held_back: int = 0) -> Data:
    """Pixels from 0 to 255; images: how many of the training images are known; held_back: so many of the
    others stand for those that are unseen."""
    with zipfile.ZipFile(folder / "cifar10" / "images.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        train = [name for name in names if name.startswith("train/")]
        test = [name for name in names if name.startswith("test/")]
        chosen = np.random.default_rng(_SEED).choice(len(train), images, replace=False)
        known = [train[index] for index in chosen]
        others = np.setdiff1d(np.arange(len(train)), chosen)
        others = np.random.default_rng(_SEED + 1).choice(others, held_back, replace=False)
        unseen = [train[index] for index in others] if held_back else test
        samples = [[_picture(archive, name, 1.0) for name in part] for part in (known, unseen)]
    labels = [np.array([_CLASSES.index(name.split("/")[1]) for name in part]) for part in (known, unseen)]
    return Data(samples[0], labels[0], samples[1], labels[1])


def _picture(archive: zipfile.ZipFile, name: str, scale: float) -> Sample:
    pixels = np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB"), np.float32)
    return [pixels[None] * np.float32(scale)]
