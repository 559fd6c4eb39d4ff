"""Functions of TensorFlow in Keras 2 models, such as x * 2 or tf.nn.relu(x), that Keras 3 has, too."""

from __future__ import annotations

from smidgen.graph import Tensor
from smidgen.graph.operators import (
    Add,
    Div,
    Exp,
    Logistic,
    Maximum,
    Minimum,
    Mul,
    Relu,
    Relu6,
    Silu,
    Sub,
    Tanh,
)
from smidgen.importers.keras.call import OPERATIONS, Call, layer

_OPERATIONS = {
    "__operators__.add": "Add", "math.add": "Add", "math.subtract": "Subtract", "math.multiply": "Multiply",
    "math.truediv": "TrueDivide", "math.divide": "Divide", "math.maximum": "Maximum",
    "math.minimum": "Minimum", "nn.relu": "Relu", "nn.relu6": "Relu6", "nn.silu": "Silu",
    "math.sigmoid": "Sigmoid", "math.tanh": "Tanh", "math.exp": "Exp",
}  # fmt: skip
_MAKES = (Add, Sub, Mul, Div, Maximum, Minimum, Relu, Relu6, Silu, Logistic, Tanh, Exp)


@layer("TFOpLambda", makes=_MAKES)
def function(call: Call) -> Tensor:
    """The operation of Keras 3 that the layer's function is."""
    name = call.text("function", "")
    if name not in _OPERATIONS:
        call.fail(f"is tf.{name[:80]}, which is not supported", "replace it with layers of Keras")
    result = OPERATIONS[_OPERATIONS[name]].function(call)
    assert isinstance(result, Tensor)
    return result
