"""Data for compressing: folders of images and Python functions, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from float_graphs import float_model
from PIL import Image

from smidgen.errors import UsageError
from smidgen.run.data import DataSource, load_data

GRAPH = float_model()  # takes (1, 7, 6, 3)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images and their labels."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(3):
        Image.fromarray(rng.integers(0, 256, (7, 6, 3), np.uint8)).save(folder / f"{index}.png")
    (folder / "labels.csv").write_text("image,label\n0.png,2\n1.png,0\n2.png,4\n")
    return folder


def test_folder_of_images_is_read_in_the_order_of_its_labels(images: Path) -> None:
    inputs = load_data(GRAPH, DataSource(str(images), scale=2 / 255, offset=-1.0))
    assert inputs.labels is not None and inputs.labels.tolist() == [2, 0, 4]
    for index, (array,) in enumerate(inputs.samples):
        pixels = np.asarray(Image.open(images / f"{index}.png"), np.float32)
        np.testing.assert_array_equal(array[0], pixels * np.float32(2 / 255) + np.float32(-1))


def test_names_of_classes_become_their_numbers(images: Path) -> None:
    (images / "labels.csv").write_text("image,label\n0.png,dog\n1.png,cat\n")
    inputs = load_data(GRAPH, DataSource(str(images), classes=("cat", "dog")))
    assert inputs.labels is not None and inputs.labels.tolist() == [1, 0]
    with pytest.raises(UsageError, match=r"label 'dog' is no number of a class\n.*classes"):
        load_data(GRAPH, DataSource(str(images)))


def test_all_wrong_images_are_named(images: Path) -> None:
    Image.new("RGB", (9, 7)).save(images / "1.png")
    (images / "2.png").write_text("no image")
    with pytest.raises(UsageError) as caught:
        load_data(GRAPH, DataSource(str(images)))
    text = str(caught.value)
    assert "1.png: is 9 x 7 pixels, the model takes 6 x 7" in text
    assert "2.png: cannot read the image" in text


@pytest.mark.parametrize("content", ["", "image,label\n", "image,label\n0.png\n"])
def test_labels_that_are_missing_are_named(content: str, images: Path) -> None:
    (images / "labels.csv").write_text(content)
    with pytest.raises(UsageError, match=r"labels\.csv: (names no images|row 2 has no label)"):
        load_data(GRAPH, DataSource(str(images)))
    (images / "labels.csv").unlink()
    with pytest.raises(UsageError, match=r"labels\.csv: cannot read the labels"):
        load_data(GRAPH, DataSource(str(images)))


def test_csv_file_without_a_heading_does_not_lose_its_first_image(images: Path) -> None:
    (images / "labels.csv").write_text("0.png,2\n1.png,0\n")
    with pytest.raises(UsageError, match=r"labels\.csv: its first row names the image '0\.png'\n.*heading"):
        load_data(GRAPH, DataSource(str(images)))


def test_label_beyond_all_classes_is_named(images: Path) -> None:
    (images / "labels.csv").write_text(f"image,label\n0.png,{10**20}\n")
    with pytest.raises(UsageError, match=f"the label '{10**20}' is no number of a class"):
        load_data(GRAPH, DataSource(str(images)))


FUNCTIONS = """
import numpy as np

def pair():
    return np.ones((4, 7, 6, 3), np.float32), np.arange(4)

def only_x():
    return np.ones((4, 7, 6, 3), np.float32)

def named():
    return {"x": np.ones((4, 7, 6, 3), np.float32), "y": [0, 1, 2, 3]}

def broken():
    raise RuntimeError("no disk")

def wrong_shape():
    return np.ones((4, 7, 6))

def nothing():
    pass

def leaves():
    raise SystemExit(3)

def ragged():
    return {"x": [[1, 2], [3]]}

def names():
    return np.ones((4, 7, 6, 3), np.float32), np.array(list("abcd"))
"""


def test_function_gives_data(tmp_path: Path) -> None:
    (tmp_path / "my_data_functions.py").write_text(FUNCTIONS)
    for name, labelled in (("pair", True), ("only_x", False), ("named", True)):
        inputs = load_data(GRAPH, DataSource(f"my_data_functions:{name}", tmp_path))
        assert len(inputs) == 4 and (inputs.labels is not None) == labelled


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", ("failed: RuntimeError: no disk",)),
        ("leaves", ("failed: SystemExit: 3",)),
        ("ragged", ("failed: ValueError", "inhomogeneous")),
        ("names", ("labels 'y' have shape (4,) and type <U1",)),
        ("wrong_shape", ("has shape (4, 7, 6)", "(N, 7, 6, 3)")),
        ("nothing", ("gave a NoneType", "(x, y)")),
        ("unknown", ("AttributeError", "unknown")),
    ],
)
def test_function_that_fails_is_named(name: str, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "my_broken_functions.py").write_text(FUNCTIONS)
    with pytest.raises(UsageError) as caught:
        load_data(GRAPH, DataSource(f"my_broken_functions:{name}", tmp_path))
    text = str(caught.value)
    assert all(word in text for word in (*words, f"my_broken_functions:{name}")), text
