"""One small Keras model for each layer and operation that the importer claims, in several options each.

A name is that in `keras.SUPPORTED`, then "__" and what is special. A case is (shapes of the inputs without
the batch, a function of keras and the input tensors that returns the output).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Build = Callable[..., Any]
CASES: dict[str, tuple[list[tuple[int, ...]], Build]] = {}

IMAGE, SIGNAL = (7, 6, 4), (9, 4)


def _case(name: str, shape: tuple[int, ...] | list[tuple[int, ...]], build: Build) -> None:
    assert name not in CASES, name
    CASES[name] = (shape if isinstance(shape, list) else [shape], build)


def _layer(
    class_name: str, what: str, shape: tuple[int, ...] | list[tuple[int, ...]], /, *args, **options
) -> None:
    """A layer that is called with all the inputs."""

    def build(keras, *x):
        made = getattr(keras.layers, class_name)(*args, **options)
        return made(list(x)) if len(x) > 1 else made(x[0])

    _case(f"{class_name}__{what}", shape, build)


def _operation(
    class_name: str, shape: tuple[int, ...] | list[tuple[int, ...]], build: Build, what: str = ""
) -> None:
    _case(f"ops.{class_name}__{what}", shape, build)


# Convolutions

_layer("Conv1D", "valid", SIGNAL, 5, 3, strides=2, activation="relu")
_layer("Conv1D", "same_dilated_groups", SIGNAL, 6, 3, padding="same", dilation_rate=2, groups=2)
_layer("Conv1D", "causal", SIGNAL, 3, 3, padding="causal", dilation_rate=2, use_bias=False, activation="tanh")
_layer("Conv2D", "valid", IMAGE, 5, 3, activation="relu6")
_layer("Conv2D", "same_stride", IMAGE, 5, (3, 2), strides=(2, 3), padding="same", activation="leaky_relu")
_layer("Conv2D", "groups_dilated", IMAGE, 6, 2, dilation_rate=(2, 3), groups=2, use_bias=False)
_layer("DepthwiseConv1D", "same", SIGNAL, 3, padding="same", depth_multiplier=2)
_layer("DepthwiseConv1D", "valid", SIGNAL, 4, strides=2, activation="relu")
_layer("DepthwiseConv2D", "same", IMAGE, 3, padding="same", strides=2, depth_multiplier=2, activation="elu")
_layer("DepthwiseConv2D", "dilated", IMAGE, (2, 3), dilation_rate=2, use_bias=False)
_layer("SeparableConv1D", "same", SIGNAL, 5, 3, padding="same", depth_multiplier=2, activation="relu")
_layer("SeparableConv1D", "valid", SIGNAL, 5, 3, strides=2)
_layer("SeparableConv2D", "same", IMAGE, 5, 3, padding="same", strides=2, activation="relu")
_layer("SeparableConv2D", "valid", IMAGE, 3, 2, depth_multiplier=3, use_bias=False)
_layer("Conv1DTranspose", "same", SIGNAL, 3, 3, strides=2, padding="same")
_layer("Conv1DTranspose", "valid", SIGNAL, 3, 4, strides=3, activation="relu")
_layer("Conv2DTranspose", "same", IMAGE, 5, 3, strides=2, padding="same", activation="relu")
_layer("Conv2DTranspose", "same_even", IMAGE, 5, (4, 3), strides=(2, 1), padding="same", use_bias=False)
_layer("Conv2DTranspose", "valid", IMAGE, 5, 2, strides=3)
_layer("Conv2DTranspose", "output_padding", IMAGE, 2, 3, strides=2, padding="same", output_padding=1)
_layer("Conv2DTranspose", "output_padding_valid", IMAGE, 2, 3, strides=2, output_padding=(0, 1))
_layer("Conv2DTranspose", "dilated", IMAGE, 2, 3, dilation_rate=2)

# Matrix products

_layer("Dense", "vector", (11,), 5, activation="softmax")
_layer("Dense", "image", IMAGE, 5, activation="gelu", use_bias=False)
_case("TimeDistributed__dense", SIGNAL, lambda k, x: k.layers.TimeDistributed(k.layers.Dense(3, "relu"))(x))
_layer("Dot", "vectors", [(5,), (5,)], axes=1)
_layer("Dot", "matrices", [(3, 5), (4, 5)], axes=2)
_layer("Dot", "other_axes", [(5, 3), (4, 5)], axes=(1, 2))
_layer("Dot", "inner", [(5, 3), (5, 4)], axes=1)
_layer("Dot", "mixed", [(5,), (4, 5)], axes=(1, 2))
_layer("Dot", "mixed_other", [(3, 5), (5,)], axes=(2, 1))
_operation("Matmul", [(2, 3, 5), (2, 5, 4)], lambda k, a, b: k.ops.matmul(a, b))
_case("MultiHeadAttention__self", (6, 8), lambda k, x: k.layers.MultiHeadAttention(2, 3, value_dim=5)(x, x))
_case(
    "MultiHeadAttention__causal", (6, 8),
    lambda k, x: k.layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True),
)  # fmt: skip
_case(
    "MultiHeadAttention__cross", [(6, 8), (5, 7), (5, 4)],
    lambda k, q, v, key: k.layers.MultiHeadAttention(3, 4, output_shape=6, use_bias=False)(q, v, key),
)  # fmt: skip
_case(
    "MultiHeadAttention__named_arguments", [(6, 8), (5, 8)],
    lambda k, q, v: k.layers.MultiHeadAttention(2, 4, dropout=0.3)(query=q, value=v),
)  # fmt: skip

# Recurrent layers

for _name in ("LSTM", "GRU"):
    _layer(_name, "last", SIGNAL, 5)
    _layer(_name, "sequences_without_bias", SIGNAL, 5, return_sequences=True, use_bias=False)
    _layer(_name, "backwards", SIGNAL, 3, return_sequences=True, go_backwards=True, dropout=0.2)
    _case(
        f"{_name}__states", [SIGNAL, SIGNAL],
        lambda k, a, b, name=_name: getattr(k.layers, name)(3)(
            a, initial_state=getattr(k.layers, name)(3, return_state=True)(b)[1:]
        ),
    )  # fmt: skip
    for _mode in ("concat", "sum", "mul", "ave"):
        _case(
            f"Bidirectional__{_name}_{_mode}", SIGNAL,
            lambda k, x, name=_name, mode=_mode: k.layers.Bidirectional(
                getattr(k.layers, name)(3, return_sequences=mode != "ave"), merge_mode=mode
            )(x),
        )  # fmt: skip
_layer("GRU", "reset_before", SIGNAL, 5, reset_after=False)
_case(
    "Bidirectional__two_layers", SIGNAL,
    lambda k, x: k.layers.Bidirectional(
        k.layers.LSTM(3), backward_layer=k.layers.LSTM(3, go_backwards=True, use_bias=False)
    )(x),
)  # fmt: skip

# Pooling and reductions

for _kind in ("Max", "Average"):
    _layer(f"{_kind}Pooling1D", "valid", SIGNAL, 2)
    _layer(f"{_kind}Pooling1D", "same", SIGNAL, 3, strides=2, padding="same")
    _layer(f"{_kind}Pooling2D", "valid", IMAGE, 2)
    _layer(f"{_kind}Pooling2D", "same", IMAGE, (3, 2), strides=2, padding="same")
    _layer(f"{_kind}Pooling2D", "overlapping", IMAGE, 3, strides=1)
    for _rank, _shape in (("1D", SIGNAL), ("2D", IMAGE)):
        _layer(f"Global{_kind}Pooling{_rank}", "plain", _shape)
        _layer(f"Global{_kind}Pooling{_rank}", "keepdims", _shape, keepdims=True)
for _name in ("mean", "sum", "max", "min"):
    _operation(_name.title(), IMAGE, lambda k, x, name=_name: getattr(k.ops, name)(x, axis=-1))
    _operation(
        _name.title(), IMAGE,
        lambda k, x, name=_name: getattr(k.ops, name)(x, axis=(1, 2), keepdims=True), "keepdims",
    )  # fmt: skip
for _name in ("argmax", "argmin"):
    _operation(_name.title(), SIGNAL, lambda k, x, name=_name: getattr(k.ops, name)(x, axis=-1))
    _operation(
        _name.title(),
        SIGNAL,
        lambda k, x, name=_name: getattr(k.ops, name)(x, axis=1, keepdims=True),
        "keepdims",
    )

# Normalizations

_layer("BatchNormalization", "image", IMAGE)
_layer("BatchNormalization", "vector", (11,), center=False, scale=False, epsilon=0.01)
_layer("BatchNormalization", "rows", IMAGE, axis=1)
for _first, _options in {
    "Conv2D": (5, 3), "DepthwiseConv2D": (3,), "Conv2DTranspose": (5, 3), "Dense": (5,), "Conv1D": (5, 3),
}.items():  # fmt: skip
    _case(
        f"BatchNormalization__after_{_first}", SIGNAL if "1D" in _first else IMAGE,
        lambda k, x, first=_first, options=_options: k.layers.ReLU()(
            k.layers.BatchNormalization()(getattr(k.layers, first)(*options)(x))
        ),
    )  # fmt: skip
_layer("LayerNormalization", "last", SIGNAL)
_layer("LayerNormalization", "several", IMAGE, axis=[2, 3], center=False)
_layer("LayerNormalization", "plain", (11,), scale=False, epsilon=0.1)
_layer("RMSNormalization", "last", SIGNAL)
_layer("RMSNormalization", "several", IMAGE, axis=[1, 2, 3], epsilon=0.01)
_layer("GroupNormalization", "instance", IMAGE, groups=-1)
_layer("GroupNormalization", "one_group", IMAGE, groups=1, scale=False)
_layer("GroupNormalization", "signal", SIGNAL, groups=4, center=False)
_layer("Normalization", "given", IMAGE, mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 0.5, 2.0, 4.0])
_layer("Normalization", "scalar", SIGNAL, axis=None, mean=0.5, variance=4.0)
_layer("Normalization", "adapted", IMAGE)
_layer("Normalization", "inverse", SIGNAL, invert=True, mean=3.0, variance=2.0)
_layer("Rescaling", "scale", IMAGE, 1 / 127.5, offset=-1.0)
_layer("Rescaling", "channels", IMAGE, [0.1, 0.2, 0.3, 0.4], offset=[1.0, 2.0, 3.0, 4.0])

# Activations

_ACTIVATIONS = [
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "tanh",
    "hard_tanh",
    "softmax",
    "softplus",
    "softsign",
    "exponential",
    "mish",
    "log_sigmoid",
]
for _name in _ACTIVATIONS:
    _layer("Activation", _name, SIGNAL, _name)
_layer("ReLU", "plain", IMAGE)
_layer("ReLU", "six", IMAGE, max_value=6.0)
_layer("ReLU", "one", IMAGE, max_value=1.0)
_layer("ReLU", "slope", IMAGE, negative_slope=0.2)
_layer("ReLU", "slope_and_maximum", IMAGE, negative_slope=0.2, max_value=1.5)
_layer("ReLU", "threshold", IMAGE, threshold=0.7)
_layer("ReLU", "all", IMAGE, threshold=0.7, negative_slope=0.1, max_value=1.5)
_layer("LeakyReLU", "default", IMAGE)
_layer("LeakyReLU", "steep", IMAGE, negative_slope=0.6)
_layer("PReLU", "each", SIGNAL)
_layer("PReLU", "shared", IMAGE, shared_axes=[1, 2])
_layer("ELU", "default", IMAGE)
_layer("ELU", "flat", IMAGE, alpha=0.3)
_layer("Softmax", "last", SIGNAL)
_layer("Softmax", "rows", IMAGE, axis=1)
for _name, _class in {
    "relu": "Relu", "relu6": "Relu6", "sigmoid": "Sigmoid", "tanh": "Tanh", "silu": "Silu",
    "softplus": "Softplus",
    "hard_silu": "HardSilu", "hard_sigmoid": "HardSigmoid", "hard_tanh": "HardTanh", "softsign": "Softsign",
    "gelu": "Gelu", "elu": "Elu", "leaky_relu": "LeakyRelu", "softmax": "Softmax",
}.items():  # fmt: skip
    _operation(_class, SIGNAL, lambda k, x, name=_name: getattr(k.ops, name)(x))
_operation("Gelu", SIGNAL, lambda k, x: k.ops.gelu(x, approximate=False), "exact")
_operation("Softmax", SIGNAL, lambda k, x: k.ops.softmax(x, axis=1), "rows")
_operation("Clip", SIGNAL, lambda k, x: k.ops.clip(x, -0.5, 0.75))

# Element by element

for _name in ("Add", "Multiply", "Maximum", "Minimum", "Average"):
    _layer(_name, "three", [SIGNAL, SIGNAL, (1, 4)])
_layer("Subtract", "two", [IMAGE, IMAGE])
_layer("Add", "ranks", [IMAGE, (4,)])
for _name in ("add", "subtract", "multiply", "maximum", "minimum"):
    _operation(_name.title(), [SIGNAL, (4,)], lambda k, a, b, name=_name: getattr(k.ops, name)(a, b[:, None]))
    _operation(_name.title(), SIGNAL, lambda k, x, name=_name: getattr(k.ops, name)(x, 0.5), "number")
_operation("Subtract", SIGNAL, lambda k, x: 1.5 - x, "from_number")
_operation("Add", SIGNAL, lambda k, x: k.ops.add(x, np.arange(4.0)), "array")
_operation("Divide", [SIGNAL, SIGNAL], lambda k, a, b: k.ops.divide(a, k.ops.exp(b)))
_operation("TrueDivide", SIGNAL, lambda k, x: k.ops.true_divide(x, 3.0))
_operation("Power", SIGNAL, lambda k, x: k.ops.power(k.ops.exp(x), 0.7))
for _name, _class in {
    "abs": "Abs", "absolute": "Absolute", "negative": "Negative", "sign": "Sign", "exp": "Exp",
    "square": "Square",
    "erf": "Erf", "sin": "Sin", "cos": "Cos", "floor": "Floor", "ceil": "Ceil", "round": "Round",
}.items():  # fmt: skip
    _operation(_class, SIGNAL, lambda k, x, name=_name: getattr(k.ops, name)(x))
for _name in ("log", "sqrt", "rsqrt", "reciprocal"):
    _operation(_name.title(), SIGNAL, lambda k, x, name=_name: getattr(k.ops, name)(k.ops.exp(x)))

# Shapes

_layer("Flatten", "image", IMAGE)
_layer("Flatten", "vector", (5,))
_layer("Reshape", "free", IMAGE, (-1, 4))
_layer("Reshape", "fixed", IMAGE, (6, 28))
_layer("Permute", "image", IMAGE, (3, 1, 2))
_layer("RepeatVector", "three", (5,), 3)
_layer("Concatenate", "last", [IMAGE, (7, 6, 2)])
_layer("Concatenate", "rows", [(3, 4), (2, 4), (1, 4)], axis=1)
_layer("ZeroPadding1D", "one", SIGNAL, 2)
_layer("ZeroPadding1D", "pair", SIGNAL, (1, 3))
_layer("ZeroPadding2D", "one", IMAGE, 1)
_layer("ZeroPadding2D", "pairs", IMAGE, ((1, 2), (0, 3)))
_layer("ZeroPadding2D", "rows_and_columns", IMAGE, (1, 2))
_layer("Cropping1D", "pair", SIGNAL, (1, 3))
_layer("Cropping2D", "one", IMAGE, 1)
_layer("Cropping2D", "pairs", IMAGE, ((1, 2), (0, 3)))
_layer("UpSampling1D", "three", SIGNAL, 3)
_layer("UpSampling2D", "nearest", IMAGE, (2, 3))
_layer("UpSampling2D", "bilinear", IMAGE, 2, interpolation="bilinear")
_layer("Resizing", "bilinear", IMAGE, 5, 9)
_layer("Resizing", "nearest", IMAGE, 5, 9, interpolation="nearest")
_case("Embedding__words", (5,), lambda k, x: k.layers.Embedding(3, 6)(k.ops.abs(x)))
for _name, _options in {
    "Dropout": (0.5,), "SpatialDropout1D": (0.5,), "SpatialDropout2D": (0.5,), "AlphaDropout": (0.5,),
    "GaussianDropout": (0.5,), "GaussianNoise": (0.5,), "ActivityRegularization": (), "Identity": (),
}.items():  # fmt: skip
    _case(
        f"{_name}__between", SIGNAL if "1D" in _name else IMAGE,
        lambda k, x, name=_name, options=_options: k.layers.Dense(3)(
            getattr(k.layers, name)(*options)(k.layers.Dense(4)(x))
        ),
    )  # fmt: skip
for _name in ("Rotation", "Zoom", "Translation", "Contrast"):
    _options = (0.3, 0.3) if _name == "Translation" else (0.3,)
    _case(
        f"Random{_name}__between", (8, 8, 3),
        lambda k, x, name=_name, options=_options: k.layers.Conv2D(3, 3)(
            getattr(k.layers, f"Random{name}")(*options)(x)
        ),
    )  # fmt: skip
_case("RandomFlip__between", (8, 8, 3), lambda k, x: k.layers.Conv2D(3, 3)(k.layers.RandomFlip()(x)))
_operation("Reshape", IMAGE, lambda k, x: k.ops.reshape(x, (-1, 21, 8)))
_operation("Transpose", IMAGE, lambda k, x: k.ops.transpose(x, (0, 3, 1, 2)))
_operation("Concatenate", [SIGNAL, SIGNAL], lambda k, a, b: k.ops.concatenate([a, b], axis=1))
_operation("Stack", [SIGNAL, SIGNAL], lambda k, a, b: k.ops.stack([a, b], axis=2))
_operation("Squeeze", (5, 1, 3), lambda k, x: k.ops.squeeze(x, axis=2))
_operation("ExpandDims", SIGNAL, lambda k, x: k.ops.expand_dims(x, axis=-1))
_operation("GetItem", IMAGE, lambda k, x: x[:, 1:6:2, -3], "mixed")
_operation("GetItem", IMAGE, lambda k, x: x[..., None, 1:3], "ellipsis")
