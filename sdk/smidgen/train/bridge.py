"""The bridge between graphs and Keras models: one Keras layer for each node.

In evaluation mode (`model(x, training=False)`) a quantized layer computes what the integer reference does,
to the byte. In training mode sums of products are float32, exact up to 2**24; the rest is the same, and
gradients pass through the rounding as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from smidgen.compress.batches import batch_size
from smidgen.errors import ModelError, ProblemList, UsageError
from smidgen.graph import DType, Graph, Node, operators
from smidgen.train import (
    activation,
    conv,
    elementwise,
    matmul,
    norm,
    pool,
    quantize,
    reduce,
    resize,
    shape,
    unary,
)
from smidgen.train.base import Context, Step, straight_through, travelling
from smidgen.train.product import Product
from smidgen.train.tensorflow import keras, tf

FAMILIES: dict[type[operators.Operator], Callable[[Context], Step | Product]] = {
    operators.Conv2D: conv.conv2d,
    operators.DepthwiseConv2D: conv.depthwise_conv2d,
    operators.TransposeConv2D: conv.transpose_conv2d,
    operators.FullyConnected: matmul.fully_connected,
    operators.BatchMatMul: matmul.batch_matmul,
    operators.AveragePool2D: pool.average_pool2d,
    operators.MaxPool2D: pool.max_pool2d,
    operators.Mean: reduce.mean_or_sum,
    operators.Sum: reduce.mean_or_sum,
    operators.ReduceMax: reduce.extremum,
    operators.ReduceMin: reduce.extremum,
    operators.Add: elementwise.add_or_sub,
    operators.Sub: elementwise.add_or_sub,
    operators.Mul: elementwise.mul,
    operators.Minimum: elementwise.minimum_or_maximum,
    operators.Maximum: elementwise.minimum_or_maximum,
    operators.Div: elementwise.div,
    operators.SquaredDifference: elementwise.squared_difference,
    operators.Softmax: activation.softmax,
    operators.Prelu: activation.prelu,
    **dict.fromkeys(unary.FUNCTIONS, unary.unary),
    operators.LayerNorm: norm.layer_or_rms_norm,
    operators.RmsNorm: norm.layer_or_rms_norm,
    operators.InstanceNorm: norm.instance_norm,
    operators.Concatenation: shape.concatenation,
    operators.Pad: shape.pad,
    operators.Reshape: shape.reshape,
    operators.Transpose: shape.transpose,
    operators.StridedSlice: shape.strided_slice,
    operators.Split: shape.split,
    operators.Pack: shape.pack,
    operators.Unpack: shape.unpack,
    operators.Gather: shape.gather,
    operators.Tile: shape.tile,
    operators.DepthToSpace: shape.depth_to_space,
    operators.SpaceToDepth: shape.space_to_depth,
    operators.Quantize: quantize.quantize,
    operators.Dequantize: quantize.dequantize,
    operators.ResizeNearestNeighbor: resize.resize_nearest_neighbor,
    operators.ResizeBilinear: resize.resize_bilinear,
}


class NodeLayer(keras.layers.Layer):
    """One node of a graph. Its inputs and outputs travel as `base` says; constants are part of it."""

    def __init__(self, graph: Graph, node: Node, batched: bool, learn_scales: bool, name: str) -> None:
        super().__init__(name=name)
        self.node_id = node.id
        self._step = FAMILIES[type(node.operator)](Context(self, graph, node, batched, learn_scales))
        self._places = list(node.inputs)
        self._constants = {
            one: travelling(graph.tensor(one)) for one in node.inputs if one and graph.tensor(one).is_constant
        }
        self.built = True

    @property
    def step(self) -> Step | Product:
        return self._step

    def call(self, inputs: list, training: bool = False) -> list:
        arriving = iter(inputs)
        values = [
            None if name is None else self._constants.get(name) if name in self._constants else next(arriving)
            for name in self._places
        ]
        if isinstance(self._step, Product):
            return self._step(values, training)
        if self._step.exact is None:
            return self._step.real(values)
        if not training:
            return self._exact(values)
        return self._compiled(values) if self._step.compiled else self._rounded(values)

    def _exact(self, values: list) -> list:
        integers = self._step.exact([None if one is None else tf.cast(one, tf.int64) for one in values])
        return [tf.cast(value, tf.float32) for value in integers]

    def _rounded(self, values: list) -> list:
        pairs = zip(self._step.real(values), self._exact(values), strict=True)
        return [straight_through(real, exact) for real, exact in pairs]

    # Compiled, the many small steps of integer arithmetic are one pass over memory.
    @tf.function(jit_compile=True)
    def _compiled(self, values: list) -> list:
        return self._rounded(values)


def to_keras(graph: Graph, outputs: Sequence[str] | None = None, learn_scales: bool = False) -> keras.Model:
    """A Keras model of the graph, float or quantized to int8 activations and weights of 8, 4 or 2 bits.

    It takes one real array for each input of the graph, with any number of samples along the first axis where
    no operator mixes samples (else exactly the graph's shape). It gives a real float32 array for each output,
    in a list where there are several. outputs: the tensors that it gives instead of the graph's outputs;
    learn_scales: the scales of weights are variables too. Weights and biases are variables. Raises ModelError
    naming each node that training has no layer for, UsageError for an unknown output.
    """
    wanted = tuple(graph.outputs if outputs is None else outputs)
    _check(graph, wanted)
    batched = batch_size(graph) > 1
    values = {}
    inputs = []
    for index, name in enumerate(graph.inputs):
        tensor = graph.tensor(name)
        sizes = (None, *tensor.shape[1:]) if batched else tensor.shape
        inputs.append(keras.Input(batch_shape=sizes, dtype="float32", name=_layer_name("input", name, index)))
        values[name] = inputs[-1]
        if tensor.dtype is not DType.F32:
            values[name] = _Boundary(quantize.quantized, tensor)(inputs[-1])
    problems = ProblemList()
    for index, node in enumerate(graph.nodes):
        try:
            layer = NodeLayer(graph, node, batched, learn_scales, _layer_name("node", node.id, index))
        except ModelError as error:
            problems.problems += error.problems
            continue
        if not problems.problems:
            arriving = [values[name] for name in node.inputs if name in values]
            values |= dict(zip(node.outputs, layer(arriving), strict=True))
    problems.stop_if_any(ModelError)
    results = []
    for name in wanted:
        tensor = graph.tensor(name)
        is_float = tensor.dtype is DType.F32
        results.append(values[name] if is_float else _Boundary(quantize.dequantized, tensor)(values[name]))
    outputs_given = results if len(results) > 1 else results[0]
    return keras.Model(inputs, outputs_given, name=_layer_name("model", graph.name, 0))


def from_keras(model: keras.Model, graph: Graph) -> Graph:
    """The graph from which `to_keras` made the model, with the weights, scales and biases as they are now.

    Raises UsageError when the model was made from another graph.
    """
    nodes = {node.id: node for node in graph.nodes}
    problems = ProblemList()
    for layer in model.layers:
        if isinstance(layer, NodeLayer) and isinstance(layer.step, Product):
            if layer.node_id in nodes and layer.step.weights.fits(graph, nodes[layer.node_id]):
                graph = layer.step.weights.put_into(graph, layer.node_id)
            else:
                what = f"the graph '{graph.name}' has no such layer"
                problems.add(f"layer '{layer.node_id}'", what, "give the graph that the model was made from")
    problems.stop_if_any(UsageError)
    return graph


class _Boundary(keras.layers.Layer):
    """Between real values and quantized ones."""

    def __init__(self, function: Callable, tensor) -> None:
        super().__init__()
        self._function, self._tensor = function, tensor
        self.built = True

    def call(self, values):
        return self._function(values, self._tensor)


def _check(graph: Graph, wanted: tuple[str, ...]) -> None:
    problems = ProblemList()
    if graph.states:
        problems.add(graph.name, "it keeps state between runs", "models with state cannot be trained yet")
    for name in graph.inputs:
        if graph.tensor(name).dtype not in (DType.F32, DType.I8):
            what = f"it is {graph.tensor(name).dtype.value}"
            problems.add(f"{graph.name}: input '{name}'", what, "training takes float32 and int8 inputs")
    for node in graph.nodes:
        where = f"{graph.name}: {node.operator.type_name} '{node.id}'"
        if type(node.operator) not in FAMILIES:
            problems.add(where, "training has no layer for it", "train the model without it")
        elif all(name is None or graph.tensor(name).is_constant for name in node.inputs):
            problems.add(where, "all of its inputs are constants", "fold it into a constant")
    problems.stop_if_any(ModelError)
    computed = {name for node in graph.nodes for name in node.outputs} | set(graph.inputs)
    for name in wanted:
        if name not in computed:
            problems.add(
                f"{graph.name}: output '{name}'", "nothing computes it", "name a tensor of the graph"
            )
    problems.stop_if_any(UsageError)


def _layer_name(kind: str, text: str, index: int) -> str:
    """Unique, and of characters that Keras allows in names."""
    return f"{kind}{index}_{re.sub('[^A-Za-z0-9_]', '_', text)}"
