"""Functions of one value: in float what they say, on int8 a table of all 256 outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smidgen.graph.operators import Operator
from smidgen.graph.reference import activation
from smidgen.graph.reference import unary as unary_family
from smidgen.graph.reference.activation_int16 import INT16_FUNCTIONS, sigmoid16_parameters
from smidgen.graph.reference.base import EVERY_INPUT, Evaluator, require, tabulated, tensors_of
from smidgen.graph.types import DType, Graph, Node

FLOAT_FUNCTIONS: dict[type[Operator], Callable[..., np.ndarray]] = {
    **activation.FLOAT_FUNCTIONS,
    **unary_family.FLOAT_FUNCTIONS,
}
# Where TensorFlow Lite Micro has integer arithmetic of its own for the operator; else `tabulated` is meant.
_INTEGER_FUNCTIONS = {**activation.INTEGER_FUNCTIONS, **unary_family.INTEGER_FUNCTIONS}


def unary_table(graph: Graph, node: Node) -> np.ndarray:
    """The whole function of an int8 node with one input that is not one constant: 256 int8 values.

    Entry i is the output for the input whose byte is i, so C reads table[(uint8_t)x].
    """
    operator = node.operator
    integer = _INTEGER_FUNCTIONS.get(type(operator))
    if integer is not None:
        return integer(graph, node, EVERY_INPUT.astype(np.int64)).astype(np.int8)
    (x,), output = tensors_of(graph, node)
    function = FLOAT_FUNCTIONS[type(operator)]
    return tabulated(lambda arguments: function(operator, arguments), x, output)


def unary(graph: Graph, node: Node) -> Evaluator:
    (x,), output = tensors_of(graph, node)
    if x.dtype is output.dtype is DType.F32:
        function = FLOAT_FUNCTIONS[type(node.operator)]

        def run(inputs):
            with np.errstate(all="ignore"):  # infinities and what is not a number are results like others
                return [function(node.operator, inputs[0].astype(np.float64)).astype(np.float32)]

        return run
    wide = INT16_FUNCTIONS.get(type(node.operator))
    if x.dtype is output.dtype is DType.I16 and wide is not None:
        p = sigmoid16_parameters(graph, node)
        return lambda inputs: [wide(p, inputs[0]).astype(np.int16)]
    require(x.dtype is output.dtype is DType.I8, graph, node)
    table = unary_table(graph, node)
    return lambda inputs: [table[inputs[0].view(np.uint8)]]
