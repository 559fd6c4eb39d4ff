"""The layout of the data set HSI-Drive 2.0 (Python version), read and written.

    FOLDER/images/training/NAME.npy          the cube: float, (rows, columns, 25)
    FOLDER/annotations/training/NAME.png     its labels: 8 bits, one for each pixel, as numbered in LABELS
    FOLDER/images/validation, images/test, annotations/validation, annotations/test: alike

The data set is given out by the University of the Basque Country on request
(https://ipaccess.ehu.eus/HSI-Drive/). What is known of its layout here is what its users have published:
mmsegmentation's project "hsidrive20_dataset" and loaders on GitHub. It has not been tried on the files
themselves.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from scenes import BANDS, HEIGHT, WIDTH

from smidgen.errors import Problem, ProblemList, UsageError

LABELS = (
    "unlabelled", "road", "road marks", "vegetation", "painted metal", "sky", "concrete, stone, brick",
    "pedestrian, cyclist", "water", "unpainted metal", "glass, transparent plastic",
)  # fmt: skip
PARTS = ("training", "validation", "test")


def load(folder: Path, part: str, limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cubes float32 (N, HEIGHT, WIDTH, BANDS) and labels uint8 of one of PARTS, in the order of their names.

    Pictures are cut around their middle and averaged over squares of pixels to this size; a square's label is
    its most frequent known one. Raises UsageError with everything that is wrong.
    """
    images, annotations = folder / "images" / part, folder / "annotations" / part
    paths = sorted(images.glob("*.npy"))[:limit]
    if not paths:
        fix = f"give a folder with images/{part}/NAME.npy and annotations/{part}/NAME.png"
        raise UsageError(Problem(str(folder), f"holds no cubes in images/{part}", fix))
    problems = ProblemList()
    pairs = [_pair(path, annotations / f"{path.stem}.png", problems) for path in paths]
    problems.stop_if_any(UsageError)
    cubes, labels = zip(*(pair for pair in pairs if pair is not None), strict=True)
    return np.stack(cubes), np.stack(labels)


def save(folder: Path, part: str, cubes: np.ndarray, labels: np.ndarray) -> None:
    """Write scenes in this layout."""
    for kind in ("images", "annotations"):
        (folder / kind / part).mkdir(parents=True, exist_ok=True)
    for index, (cube, places) in enumerate(zip(cubes, labels, strict=True)):
        np.save(folder / "images" / part / f"scene_{index:04}.npy", cube)
        Image.fromarray(places).save(folder / "annotations" / part / f"scene_{index:04}.png")


def _pair(image: Path, annotation: Path, problems: ProblemList) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        cube = np.load(image, allow_pickle=False)
        with Image.open(annotation) as file:
            labels = np.asarray(file)
    except (OSError, ValueError, EOFError, UnidentifiedImageError) as error:
        problems.add(str(image), f"cannot be read: {error}", f"{annotation} belongs to it")
        return None
    labels = labels[..., 0] if labels.ndim == 3 else labels  # grey pictures saved in colour
    if cube.ndim != 3 or cube.shape[2] != BANDS or cube.dtype.kind not in "fiu":
        problems.add(str(image), f"has shape {cube.shape} of {cube.dtype}", f"(rows, columns, {BANDS})")
    elif labels.shape != cube.shape[:2]:
        what = f"has {labels.shape[0]} x {labels.shape[1]} labels, the cube {cube.shape[0]} x {cube.shape[1]}"
        problems.add(str(annotation), what)
    elif labels.max() >= len(LABELS):
        problems.add(str(annotation), f"holds the label {labels.max()}", f"0 to {len(LABELS) - 1}")
    elif (factor := min(cube.shape[0] // HEIGHT, cube.shape[1] // WIDTH)) < 1:
        problems.add(str(image), f"is smaller than {HEIGHT} x {WIDTH} pixels")
    elif not np.isfinite(cube).all():
        problems.add(str(image), "holds numbers that are not finite")
    else:
        return _reduced(cube, factor).mean(axis=(1, 3)), _majority(_reduced(labels, factor))
    return None


def _reduced(array: np.ndarray, factor: int) -> np.ndarray:
    """The middle of a picture as (HEIGHT, factor, WIDTH, factor, ...)."""
    top, left = (
        (size - wanted * factor) // 2 for size, wanted in zip(array.shape, (HEIGHT, WIDTH), strict=False)
    )
    middle = array[top : top + HEIGHT * factor, left : left + WIDTH * factor]
    return middle.astype(np.float32 if array.ndim == 3 else array.dtype).reshape(
        HEIGHT, factor, WIDTH, factor, *array.shape[2:]
    )


def _majority(places: np.ndarray) -> np.ndarray:
    counts = np.stack([(places == label).sum(axis=(1, 3)) for label in range(len(LABELS))])
    counts[0] = 0  # unlabelled only where nothing is labelled
    return counts.argmax(axis=0).astype(np.uint8)
