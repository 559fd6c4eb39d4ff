"""Quantization-aware training: all weights of a quantized model are trained together, as they will compute.

The student's loss is its distance from the float model's answers (distillation, G. Hinton et al., arXiv
1503.02531) and, where there are labels, from those. A float student is trained by the same steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smidgen.compress.batches import Sample, Track, stacked, untracked
from smidgen.errors import Problem, ProblemList, UsageError
from smidgen.graph import Graph
from smidgen.graph.operators import Softmax
from smidgen.train import checkpoint
from smidgen.train.augment import NO_CHANGES, Augmentation
from smidgen.train.bridge import from_keras, to_keras
from smidgen.train.tensorflow import keras, tf

_WARMUP = 0.05  # of all steps


@dataclass(frozen=True)
class Options:
    """How to train.

    batch: samples per step; learning_rate: of Adam, in units of each channel's size, falling to zero along a
    cosine; distillation: the share of the loss that compares with the float model, the rest comparing with
    the labels (all of it where there are none); learn_scales: whether the weights' scales are trained too;
    balanced: whether labels weigh by the inverse root of their share, so that rare classes count.
    """

    batch: int = 64
    learning_rate: float = 1e-3
    distillation: float = 0.5
    learn_scales: bool = True
    augmentation: Augmentation = NO_CHANGES
    balanced: bool = False


def fine_tune(
    teacher: Graph,
    student: Graph,
    samples: Sequence[Sample],
    labels: np.ndarray | None = None,
    *,
    epochs: int,
    seed: int,
    options: Options | None = None,
    state: Path | None = None,
    track: Track = untracked,
) -> Graph:
    """The student with trained weights and biases; its activations keep their quantization.

    teacher: the float graph; student: what `quantize` and `reconstruct` made of it, or a float graph;
    samples: float inputs; labels: the right answer of each, as an index into the first output, or a map of
    answers (N, ...), one for each place of an output whose last axis is the classes, -1 where none is known;
    state: a file that holds the state after each epoch, from which a training that was stopped goes on. The
    same seed gives the same bytes on the same machine and versions. Raises UsageError for samples and labels
    that do not fit and for a loss that is not finite.
    """
    options = options or Options()
    _check(teacher, samples, labels, epochs, options)
    tf.config.experimental.enable_op_determinism()
    batch = min(options.batch, len(samples))
    steps = len(samples) // batch
    training = _Training(teacher, student, labels, epochs * steps, options)
    done = 0
    if state is not None:
        known = (len(samples), None if labels is None else labels.tobytes(), epochs, seed, options)
        name = checkpoint.fingerprint((teacher, student), *known)
        done = checkpoint.load(state, name, training.variables)
    rng = np.random.default_rng([seed, done])
    order = rng.permutation(len(samples))
    losses = []
    for step in track(range(done * steps, epochs * steps), f"training {student.name}"):
        chosen = order[step % steps * batch :][:batch]
        inputs = stacked([samples[index] for index in chosen])
        if inputs[0].ndim == 4:
            inputs[0] = options.augmentation(inputs[0], rng)
        answers = np.zeros(batch, np.int64) if labels is None else labels[chosen].astype(np.int64)
        losses.append(training.step([tf.convert_to_tensor(x) for x in inputs], tf.convert_to_tensor(answers)))
        if step % steps == steps - 1:
            done += 1
            _check_losses(student, done, losses)
            if state is not None:
                checkpoint.save(state, name, done, training.variables)
            rng = np.random.default_rng([seed, done])
            order, losses = rng.permutation(len(samples)), []
    return from_keras(training.model, student)


class _Training:
    """The student as a Keras model, its optimizer, and one step of both."""

    def __init__(
        self, teacher: Graph, student: Graph, labels: np.ndarray | None, steps: int, options: Options
    ) -> None:
        answer, is_classifier = answer_of(teacher)
        labelled = labels is not None
        self._weights = _weights(labels, options.balanced)
        self._teacher = to_keras(teacher, [answer])
        self.model = to_keras(student, [answer], options.learn_scales)
        warmup = max(int(_WARMUP * steps), 1)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(steps - warmup, 1), warmup_target=options.learning_rate, warmup_steps=warmup
        )
        self._optimizer = keras.optimizers.Adam(rate)
        self._optimizer.build(self.model.trainable_variables)
        self._share = options.distillation if labelled else 1.0
        self._distance = _divergence if is_classifier or labelled else _squared_error
        self.step = tf.function(self._step)

    @property
    def variables(self) -> list:
        return [*self.model.variables, *self._optimizer.variables]

    def _step(self, inputs: list, labels):
        wanted = self._teacher(inputs, training=False)
        with tf.GradientTape() as tape:
            given = self.model(inputs, training=True)
            loss = self._share * self._distance(wanted, given)
            if self._share < 1:
                loss += (1 - self._share) * _entropy(tf.reshape(labels, [-1]), given, self._weights)
        variables = self.model.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss


def answer_of(graph: Graph) -> tuple[str, bool]:
    """The tensor to compare, and whether it holds logits: what a last Softmax reads, or the first output."""
    node = graph.producer(graph.outputs[0])
    if node is not None and isinstance(node.operator, Softmax) and node.operator.beta == 1:
        return str(node.inputs[0]), True
    return graph.outputs[0], False


def _weights(labels: np.ndarray | None, balanced: bool) -> np.ndarray:
    """Of each label, as float32."""
    counts = np.bincount(np.zeros(1, int) if labels is None else labels[labels >= 0].reshape(-1), minlength=1)
    return np.float32(1 / np.sqrt(np.maximum(counts, 1)) if balanced else np.ones(len(counts)))


def _entropy(labels, given, weights: np.ndarray):
    """The weighted mean over the places whose label is known."""
    rows = tf.reshape(given, (tf.shape(labels)[0], -1))
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(labels, 0), rows)
    weight = tf.cast(labels >= 0, tf.float32) * tf.gather(weights, tf.maximum(labels, 0))
    return tf.math.divide_no_nan(tf.reduce_sum(entropy * weight), tf.reduce_sum(weight))


def _divergence(wanted, given):
    """Kullback-Leibler, of the probabilities that both logits stand for."""
    probabilities = tf.nn.softmax(wanted)
    difference = tf.nn.log_softmax(wanted) - tf.nn.log_softmax(given)
    return tf.reduce_mean(tf.reduce_sum(probabilities * difference, axis=-1))


def _squared_error(wanted, given):
    """Of the student, as a share of the teacher's mean square."""
    size = tf.reduce_mean(tf.square(wanted))
    return tf.reduce_mean(tf.square(given - wanted)) / tf.maximum(size, 1e-12)


def _check(
    teacher: Graph, samples: Sequence[Sample], labels: np.ndarray | None, epochs: int, options: Options
) -> None:
    problems = ProblemList()
    where = f"training {teacher.name}"
    if not len(samples):
        problems.add(where, "there are no samples", "give at least one")
    if labels is not None and len(labels) != len(samples):
        what = f"there are {len(samples)} samples and {len(labels)} labels"
        problems.add(where, what, "give one label for each sample")
    if labels is not None and len(labels):
        shape = teacher.tensor(teacher.outputs[0]).shape
        classes, unknown = (math.prod(shape), 0) if labels.ndim == 1 else (shape[-1], -1)
        if labels.ndim > 1 and labels.shape[1:] != shape[1:-1]:
            what = f"labels have shape {labels.shape}, the model's answers {shape}"
            problems.add(where, what, "give one label for each sample, or for each place of its output")
        elif labels.min() < unknown or labels.max() >= classes:
            what = f"labels run from {labels.min()} to {labels.max()}, the model has {classes} classes"
            problems.add(where, what, "give the index of the right class for each sample")
    if epochs < 1 or options.batch < 1:
        what = f"{epochs} epochs of batches of {options.batch} samples are no training"
        problems.add(where, what, "choose at least 1 of each")
    if not 0 <= options.distillation <= 1:
        problems.add(where, f"a share of {options.distillation} of the loss", "choose one between 0 and 1")
    problems.stop_if_any(UsageError)


def _check_losses(student: Graph, epoch: int, losses: list) -> None:
    if not np.isfinite(np.array([float(loss) for loss in losses])).all():
        where, what = f"training {student.name}", f"in epoch {epoch} the loss was not a finite number"
        raise UsageError(
            Problem(where, what, "look for NaN and huge values in the data, or lower the learning rate")
        )
