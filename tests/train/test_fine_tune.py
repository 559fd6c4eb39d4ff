"""Training gains on unseen data, is reproducible, and goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install 'smidgen[train]'")

from train_graphs import float_classifier

from smidgen.compress.batches import BatchReference
from smidgen.compress.evidence import quantize_samples
from smidgen.compress.quantize import gather, quantize
from smidgen.errors import UsageError
from smidgen.graph import DType, Graph
from smidgen.train.augment import NO_CHANGES, Augmentation
from smidgen.train.qat import Options, fine_tune

pytestmark = pytest.mark.slow
OPTIONS = Options(batch=16, learning_rate=5e-3, augmentation=Augmentation(flip=True, shift=1))
STEPS = 6  # of an epoch
TEACHER = float_classifier(0)


def images(count: int, seed: int) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [[rng.normal(0, 1, (1, 6, 6, 3)).astype(np.float32)] for _ in range(count)]


KNOWN, UNSEEN = images(16 * STEPS, 1), images(200, 2)


def answers(graph: Graph, samples: Sequence) -> np.ndarray:
    """Logits, or integers of them; the graph's last node is a Softmax."""
    quantized = graph.tensor(graph.inputs[0]).dtype is not DType.F32
    given = quantize_samples(graph, samples) if quantized else samples
    return BatchReference(graph).outputs(given)[0].argmax(axis=1)


LABELS = answers(TEACHER, KNOWN)


def student(bits: int = 4) -> Graph:
    return quantize(TEACHER, gather(TEACHER, KNOWN), bits, "mse")


def train(start: Graph, seed: int = 0, epochs: int = 3, **others) -> Graph:
    return fine_tune(TEACHER, start, KNOWN, LABELS, epochs=epochs, seed=seed, options=OPTIONS, **others)


def differ(one: Graph, other: Graph) -> list[str]:
    """The constants that are not the same."""
    return [
        name
        for name, tensor in one.tensors.items()
        if tensor.data is not None
        and not (
            np.array_equal(tensor.data, other.tensor(name).data)
            and np.array_equal(tensor.quantization.scale, other.tensor(name).quantization.scale)
        )
    ]


def test_training_gains_on_unseen_data() -> None:
    """2-bit weights rounded to nearest, and trained: which agrees more often with the float model."""
    start, wanted, known = student(2), answers(TEACHER, UNSEEN), images(1600, 3)
    options = replace(OPTIONS, augmentation=NO_CHANGES, distillation=1.0)
    trained = fine_tune(TEACHER, start, known, epochs=4, seed=0, options=options)
    before, after = ((answers(graph, UNSEEN) == wanted).mean() for graph in (start, trained))
    assert after > before + 0.05
    for name, tensor in start.tensors.items():
        other = trained.tensor(name)
        assert (tensor.shape, tensor.dtype) == (other.shape, other.dtype)
        if tensor.data is None:
            np.testing.assert_array_equal(tensor.quantization.scale, other.quantization.scale)
    assert [node.id for node in trained.nodes] == [node.id for node in start.nodes]


def test_a_seed_gives_the_same_bytes_and_another_one_others() -> None:
    start = student()
    one = train(start)
    assert not differ(one, train(start))
    assert differ(one, train(start, seed=1))


class Killed(Exception):
    pass


@pytest.mark.parametrize("stop", [1, STEPS + 2, 3 * STEPS - 1])
def test_a_killed_training_ends_where_an_undisturbed_one_does(stop: int, tmp_path: Path) -> None:
    start, state = student(), tmp_path / "state.npz"

    def killing(items: Sequence, text: str) -> Iterator:
        for item in items:
            if item == stop:
                raise Killed
            yield item

    with pytest.raises(Killed):
        train(start, state=state, track=killing)
    steps: list[int] = []

    def counting(items: Sequence, text: str) -> Iterable:
        steps.extend(items)
        return items

    resumed = train(start, state=state, track=counting)
    assert steps == list(range(stop // STEPS * STEPS, 3 * STEPS))
    assert not differ(resumed, train(start))


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    start, state = student(), tmp_path / "state.npz"
    one = train(start, epochs=1, state=state)
    assert not differ(
        one, train(start, epochs=1, state=state, track=lambda items, text: iter(list(items)[:0]))
    )


def test_the_state_of_another_training_is_refused(tmp_path: Path) -> None:
    start, state = student(), tmp_path / "state.npz"
    train(start, epochs=1, state=state)
    with pytest.raises(UsageError, match="another model"):
        train(start, epochs=1, seed=5, state=state)
    state.write_bytes(b"nothing of the kind")
    with pytest.raises(UsageError, match="no checkpoint"):
        train(start, epochs=1, state=state)


def test_a_float_model_is_trained_by_the_same_steps() -> None:
    """Towards labels that are not its own answers, all of which it learns to give."""
    labels = np.ones(len(KNOWN), np.int64)
    options = replace(OPTIONS, distillation=0.0, learning_rate=0.02)
    trained = fine_tune(TEACHER, TEACHER, KNOWN, labels, epochs=6, seed=0, options=options)
    assert (answers(trained, UNSEEN) == 1).mean() > 0.95 > (answers(TEACHER, UNSEEN) == 1).mean()


def test_without_labels_only_the_float_model_is_followed() -> None:
    start = student(2)
    trained = fine_tune(TEACHER, start, KNOWN, epochs=8, seed=0, options=OPTIONS)
    wanted = answers(TEACHER, KNOWN)
    assert (answers(trained, KNOWN) == wanted).mean() > (answers(start, KNOWN) == wanted).mean()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": []}, "no samples"),
        ({"labels": LABELS[:-1]}, "labels"),
        ({"labels": LABELS + 100}, "classes"),
        ({"epochs": 0}, "no training"),
        ({"options": Options(distillation=1.5)}, "share"),
        ({"samples": [[np.full((1, 6, 6, 3), np.nan, np.float32)]] * 16, "labels": LABELS[:16]}, "finite"),
    ],
)
def test_wrong_use_is_refused(changes: dict, message: str) -> None:
    usual = {"samples": KNOWN, "labels": LABELS, "epochs": 1, "seed": 0, "options": OPTIONS}
    arguments = {**usual, **changes}
    samples, labels = arguments.pop("samples"), arguments.pop("labels")
    with pytest.raises(UsageError, match=message):
        fine_tune(TEACHER, TEACHER, samples, labels, **arguments)
