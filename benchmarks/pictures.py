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
TRAINING_IMAGES = 10_000  # of CIFAR-10
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SEED = 1


@dataclass(frozen=True, eq=False)
class Data:
    """known, known_labels: to quantize with, to choose on and to train with; unseen, labels: to report on."""

    known: list[Sample]
    known_labels: np.ndarray
    unseen: list[Sample]
    labels: np.ndarray

    def development(self, count: int) -> Data:
        """The last of what is known takes the place of what is unseen: to choose how to train."""
        known, known_labels = self.known, self.known_labels
        return Data(known[:-count], known_labels[:-count], known[-count:], known_labels[-count:])


def load_wake_words(folder: Path) -> Data:
    """Pixels from 0 to 1."""
    with (folder / "vww96" / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with zipfile.ZipFile(folder / "vww96" / "images.zip") as archive:
        samples = [_picture(archive, row["image"], 1 / 255) for row in rows]
    labels = np.array([int(row["person"]) for row in rows])
    return Data(samples[:WAKE_WORDS], labels[:WAKE_WORDS], samples[WAKE_WORDS:], labels[WAKE_WORDS:])


def load_cifar10(folder: Path, images: int = TRAINING_IMAGES) -> Data:
    """Pixels from 0 to 255; images: how many of the training images are known."""
    with zipfile.ZipFile(folder / "cifar10" / "images.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        train = [name for name in names if name.startswith("train/")]
        test = [name for name in names if name.startswith("test/")]
        chosen = np.random.default_rng(_SEED).choice(len(train), images, replace=False)
        known = [train[index] for index in chosen]
        samples = [[_picture(archive, name, 1.0) for name in part] for part in (known, test)]
    labels = [np.array([_CLASSES.index(name.split("/")[1]) for name in part]) for part in (known, test)]
    return Data(samples[0], labels[0], samples[1], labels[1])


def _picture(archive: zipfile.ZipFile, name: str, scale: float) -> Sample:
    pixels = np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB"), np.float32)
    return [pixels[None] * np.float32(scale)]
