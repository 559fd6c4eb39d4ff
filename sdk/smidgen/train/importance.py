"""How much a model's answers depend on each set of channels.

The importance of a set is the first-order Taylor term of removing it, squared and averaged (P. Molchanov
et al., arXiv 1906.10771): the sum of gradient times value over the weights that write its channels. The
gradients are those of answers drawn from what the model itself predicts, as for the Fisher information
(L. Theis et al., arXiv 1801.05787), so that half of it is, to second order, the divergence between the
answers before and after. It needs no labels so; and because such gradients are zero in the mean, those of
many samples and pixels may be added before they are squared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smidgen.compress.batches import Sample, Track, stacked, untracked
from smidgen.compress.coupling import Coupling
from smidgen.graph import Graph
from smidgen.graph.operators import DepthwiseConv2D
from smidgen.train.bridge import NodeLayer, to_keras
from smidgen.train.product import Product
from smidgen.train.qat import answer_of
from smidgen.train.tensorflow import keras, tf

BATCH = 16
# Of one batch of samples: what was drawn is one of many answers, so one draw says little of a small batch.
_DRAWS = 2


def importance(
    graph: Graph,
    coupling: Coupling,
    samples: Sequence[Sample],
    classifies: bool,
    seed: int,
    track: Track = untracked,
) -> np.ndarray:
    """Of each set of channels, per sample; those that no layer writes have none.

    classifies: whether the answers are classes, one for each place of the output; else they are numbers, of
    which the squared error counts (and a last Softmax says that they are classes anyway).
    """
    tf.config.experimental.enable_op_determinism()
    answer, is_classifier = answer_of(graph)
    model = to_keras(graph, [answer])
    layers = _writers(graph, model)
    step = tf.function(_step(model, layers, classifies or is_classifier))
    total = np.zeros(len(coupling.removable))
    count = 0
    for start in track(range(0, len(samples), BATCH), f"weighing channels of {graph.name}"):
        batch = samples[start : start + BATCH]
        inputs = [tf.convert_to_tensor(array) for array in stacked(batch)]
        for draw in range(_DRAWS):
            terms = np.zeros(len(total))
            parts = step(inputs, tf.constant([seed, start * _DRAWS + draw], tf.int32))
            for (name, _), part in zip(layers, parts, strict=True):
                np.add.at(terms, coupling.sets[name], part.numpy())
            total += np.square(terms)
        count += len(batch) * _DRAWS
    return total / count


def _writers(graph: Graph, model: keras.Model) -> list[tuple[str, Product]]:
    """The tensors that layers write, and the layers. A depthwise layer passes on channels of another one."""
    outputs = {
        node.id: node.outputs[0] for node in graph.nodes if not isinstance(node.operator, DepthwiseConv2D)
    }
    return [
        (outputs[layer.node_id], layer.step)
        for layer in model.layers
        if isinstance(layer, NodeLayer) and isinstance(layer.step, Product) and layer.node_id in outputs
    ]


def _step(model: keras.Model, layers: list[tuple[str, Product]], classifies: bool):
    """A function of inputs and a seed that gives each layer's terms, by output channel."""
    variables = [
        [one for one in (step.weights.values, step.weights.bias) if one is not None] for _, step in layers
    ]

    def step(inputs: list, seed) -> list:
        with tf.GradientTape() as tape:
            given = model(inputs, training=True)
            if classifies:
                rows = tf.reshape(given, (-1, given.shape[-1]))
                drawn = tf.random.stateless_categorical(rows, 1, seed)[:, 0]
                entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(drawn, rows)
                loss = tf.reduce_sum(entropies)
            else:
                loss = tf.reduce_sum(given * tf.random.stateless_normal(tf.shape(given), seed))
        gradients = tape.gradient(loss, variables)
        return [
            sum(_by_channel(v, g, one.weights.axis) for v, g in zip(of, gradient, strict=True))
            for (_, one), of, gradient in zip(layers, variables, gradients, strict=True)
        ]

    return step


def _by_channel(variable, gradient, axis: int):
    """Gradient times value, summed over all but the output channels."""
    product = tf.cast(variable * gradient, tf.float32)
    axis = axis if len(product.shape) > 1 else 0
    return tf.reduce_sum(product, [i for i in range(len(product.shape)) if i != axis])
