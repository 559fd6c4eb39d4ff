"""Functions of one value, activations among them; on integers they are tables of all 256 outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smidgen.graph import operators
from smidgen.graph.operators import Operator
from smidgen.graph.reference import FAMILIES as REFERENCE
from smidgen.train.base import Context, Step, centred_range
from smidgen.train.tensorflow import tf

FUNCTIONS: dict[type[Operator], Callable] = {
    operators.Logistic: lambda operator, x: tf.sigmoid(x),
    operators.Tanh: lambda operator, x: tf.tanh(x),
    operators.Relu: lambda operator, x: tf.nn.relu(x),
    operators.Relu6: lambda operator, x: tf.nn.relu6(x),
    operators.LeakyRelu: lambda operator, x: tf.nn.leaky_relu(x, operator.alpha),
    operators.Elu: lambda operator, x: tf.where(
        x >= 0, x, operator.alpha * tf.math.expm1(tf.minimum(x, 0.0))
    ),
    operators.Gelu: lambda operator, x: tf.nn.gelu(x, operator.approximate),
    operators.Silu: lambda operator, x: tf.nn.silu(x),
    operators.HardSwish: lambda operator, x: x * tf.nn.relu6(x + 3.0) / 6.0,
    operators.HardSigmoid: lambda operator, x: tf.clip_by_value(operator.alpha * x + operator.beta, 0.0, 1.0),
    operators.Clip: lambda operator, x: tf.clip_by_value(x, operator.minimum, operator.maximum),
    operators.Softplus: lambda operator, x: tf.nn.softplus(x),
    operators.Softsign: lambda operator, x: tf.nn.softsign(x),
    operators.Abs: lambda operator, x: tf.abs(x),
    operators.Neg: lambda operator, x: -x,
    operators.Exp: lambda operator, x: tf.exp(x),
    operators.Log: lambda operator, x: tf.math.log(x),
    operators.Sqrt: lambda operator, x: tf.sqrt(x),
    operators.Rsqrt: lambda operator, x: tf.math.rsqrt(x),
    operators.Square: lambda operator, x: tf.square(x),
    operators.Erf: lambda operator, x: tf.math.erf(x),
    operators.Sin: lambda operator, x: tf.sin(x),
    operators.Cos: lambda operator, x: tf.cos(x),
}
_OF_POSITIVES = (operators.Log, operators.Sqrt, operators.Rsqrt)


def unary(context: Context) -> Step:
    operator = context.node.operator
    (x,), y = context.tensors
    function = FUNCTIONS[type(operator)]
    if not context.require_types():
        return Step(lambda inputs: [function(operator, inputs[0])])
    every_input = np.arange(-128, 128).astype(np.int8)
    (outputs,) = REFERENCE[type(operator)](context.graph, context.node)([every_input])
    table = outputs.astype(np.int64) - y.zero_point
    low, high = centred_range(y)

    def real(inputs):
        values = inputs[0] * x.scale
        if isinstance(operator, _OF_POSITIVES):
            values = tf.maximum(values, x.scale / 2)
        return [tf.clip_by_value(function(operator, values) / y.scale, low, high)]

    def exact(inputs):
        return [tf.gather(table, inputs[0] + (x.zero_point + 128))]

    return Step(real, exact)
