"""Graphs of one operator, their .tflite file, and what TensorFlow Lite Micro and LiteRT compute for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro import runtime

from smidgen.graph import DType, Graph, Node, Quantization, Tensor, operators
from smidgen.graph import reference as reference_package
from smidgen.graph.operators import Operator, Padding, same_padding
from tflite_builder import ModelBuilder

_INT32 = 2  # in the schema's TensorType
_ARENA_BYTES = 4 << 20
_TYPE_NAMES = {
    DType.F32: "float32",
    DType.I8: "int8",
    DType.I16: "int16",
    DType.I32: "int32",
    DType.I64: "int64",
    DType.BOOL: "bool",
}


def tensor(
    shape: Sequence[int],
    dtype: DType = DType.I8,
    scale: float | np.ndarray | None = None,
    zero_point: int = 0,
    axis: int | None = None,
    data: np.ndarray | None = None,
) -> Tensor:
    """A tensor without a name; `one_operator` names it. Several scales are per channel of `axis`."""
    quantization = None
    if scale is not None:
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        quantization = Quantization(scales, np.full(scales.shape, zero_point, np.int32), axis)
    return Tensor("", tuple(shape), dtype, quantization, data)


def one_operator(operator: Operator, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> Graph:
    """A graph of one node. Inputs without data are the graph's inputs."""

    def named(kind: str, tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
        return [
            None if t is None else Tensor(f"{kind}{i}", t.shape, t.dtype, t.quantization, t.data)
            for i, t in enumerate(tensors)
        ]

    reads, writes = named("in", inputs), named("out", outputs)
    node = Node("node", operator, tuple(t.name if t else None for t in reads), tuple(t.name for t in writes))
    return Graph(
        name="one",
        tensors={t.name: t for t in (*reads, *writes) if t is not None},
        nodes=(node,),
        inputs=tuple(t.name for t in reads if t is not None and t.data is None),
        outputs=node.outputs,
    )


def random_inputs(graph: Graph, generator: np.random.Generator) -> list[np.ndarray]:
    """Integers over their whole range with the extremes well represented; floats around zero."""
    return [
        random_values(generator, graph.tensors[name].shape, graph.tensors[name].dtype)
        for name in graph.inputs
    ]


def random_values(generator: np.random.Generator, shape: Sequence[int], dtype: DType) -> np.ndarray:
    if dtype is DType.F32:
        return generator.normal(0, 2, shape).astype(np.float32)
    if dtype is DType.BOOL:
        return generator.random(shape) < 0.5
    limits = np.iinfo(dtype.numpy)
    values = generator.integers(limits.min, limits.max, shape, dtype.numpy, endpoint=True)
    extremes = generator.choice(np.array([limits.min, limits.max], dtype.numpy), shape)
    return np.where(generator.random(shape) < 0.1, extremes, values).astype(dtype.numpy)


def reference(graph: Graph, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    outputs = reference_package.run(graph, inputs).outputs
    for name, output in zip(graph.outputs, outputs, strict=True):
        expected = graph.tensors[name]
        assert (output.shape, output.dtype) == (expected.shape, expected.dtype.numpy)
    return outputs


def tflm(model: bytes, inputs: Sequence[np.ndarray], outputs: int = 1) -> list[np.ndarray]:
    """What TensorFlow Lite Micro's reference kernels compute."""
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=_ARENA_BYTES)
    for index, values in enumerate(inputs):
        interpreter.set_input(values, index)
    interpreter.invoke()
    return [interpreter.get_output(index) for index in range(outputs)]


def litert(model: bytes, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What LiteRT's built-in reference kernels compute."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    for detail, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def assert_equals_tflm(
    graph: Graph, generator: np.random.Generator, inputs: Sequence[np.ndarray] | None = None
) -> None:
    """The reference equals TensorFlow Lite Micro byte for byte, on random inputs unless some are given."""
    inputs = random_inputs(graph, generator) if inputs is None else inputs
    all_theirs = tflm(to_tflite(graph), inputs, len(graph.outputs))
    for index, (ours, theirs) in enumerate(zip(reference(graph, inputs), all_theirs, strict=True)):
        wrong = np.flatnonzero(ours.reshape(-1) != theirs.reshape(-1))
        assert wrong.size == 0, (
            f"{describe(graph)}: output {index} differs in {wrong.size} of {ours.size} elements, first at "
            f"{wrong[0]}: reference {ours.flat[wrong[0]]}, TensorFlow Lite Micro {theirs.flat[wrong[0]]}"
        )


def assert_close_to_litert(graph: Graph, generator: np.random.Generator, tolerance: float = 1e-5) -> None:
    """The float reference is within `tolerance` (absolute and relative) of LiteRT."""
    inputs = random_inputs(graph, generator)
    for ours, theirs in zip(reference(graph, inputs), litert(to_tflite(graph), inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, tolerance, tolerance, err_msg=describe(graph))


def as_float(graph: Graph, generator: np.random.Generator) -> Graph:
    """The same operator and shapes in float32 with random constants; an absent bias becomes zeros."""
    node = graph.nodes[0]
    outputs = [Tensor("", t.shape, DType.F32) for t in graph.output_tensors(node)]
    inputs = []
    for t in graph.input_tensors(node):
        if t is None:
            channels = outputs[0].shape[-1]
            inputs.append(tensor((channels,), DType.F32, data=np.zeros(channels, np.float32)))
        else:
            data = None if t.data is None else generator.normal(0, 1, t.shape).astype(np.float32)
            inputs.append(tensor(t.shape, DType.F32, data=data))
    return one_operator(node.operator, inputs, outputs)


def describe(graph: Graph) -> str:
    node = graph.nodes[0]
    tensors = [None if t is None else _describe_tensor(t) for t in graph.input_tensors(node)]
    return f"{node.operator} on {tensors} to {[_describe_tensor(t) for t in graph.output_tensors(node)]}"


def _describe_tensor(t: Tensor) -> str:
    if t.quantization is None:
        return f"{t.dtype.value}{t.shape}"
    return (
        f"{t.dtype.value}{t.shape} scale {t.quantization.scale[:3]} zero point {t.quantization.zero_point[0]}"
    )


def to_tflite(graph: Graph) -> bytes:
    """The .tflite file of a graph of one operator."""
    builder = ModelBuilder("one")
    (node,) = graph.nodes
    indices = {}
    for name, t in graph.tensors.items():
        keywords = {}
        if t.quantization is not None:
            keywords = {
                "scale": t.quantization.scale,
                "zero_point": t.quantization.zero_point,
                "axis": t.quantization.axis or 0,
            }
        indices[name] = builder.tensor(t.shape, _TYPE_NAMES[t.dtype], name=name, data=t.data, **keywords)
    builder.graph.inputs = [indices[name] for name in graph.inputs]
    reads = [-1 if name is None else indices[name] for name in node.inputs]
    writes = [indices[name] for name in node.outputs]
    first, options, last = _options(graph, node, builder)
    if isinstance(node.operator, operators.TransposeConv2D):
        reads[:2] = reversed(reads[:2])
    builder.operator(_name(node.operator), [*first, *reads, *last], writes, **options)
    builder.output(*writes)
    return builder.build()


def _name(operator: Operator) -> str:
    """The builtin operator's. TensorFlow Lite Micro has no TILE, but BROADCAST_TO."""
    match operator:
        case operators.Tile():
            return "BROADCAST_TO"
        case operators.Pad(value=value) if value is not None:
            return "PADV2"
        case operators.Compare(kind=kind) | operators.Logical(kind=kind):
            return kind.value.upper()
        case operators.Select():
            return "SELECT_V2"
        case operators.Clip(minimum=minimum):
            return "RELU_0_TO_1" if minimum == 0 else "RELU_N1_TO_1"
    return operator.type_name


def _options(graph: Graph, node: Node, builder: ModelBuilder) -> tuple[list[int], dict, list[int]]:
    """(constant inputs before the node's own, options of the operator, constant inputs after)."""
    operator = node.operator
    output = graph.output_tensors(node)[0]

    def integers(values) -> int:
        return builder.constant(np.array(values, np.int32))

    options = {}
    if hasattr(operator, "activation"):
        options["activation"] = operator.activation.name
    if hasattr(operator, "stride"):
        options["stride_h"], options["stride_w"] = operator.stride
        options["padding"] = "VALID" if operator.padding == Padding() else "SAME"
    if hasattr(operator, "dilation"):
        options["dilation_h_factor"], options["dilation_w_factor"] = operator.dilation
    if hasattr(operator, "size"):
        options["filter_height"], options["filter_width"] = operator.size
    match operator:
        case operators.DepthwiseConv2D():
            x, weights = graph.input_tensors(node)[:2]
            options["depth_multiplier"] = weights.shape[3] // x.shape[3]
        case operators.Mean() | operators.Sum() | operators.ReduceMax() | operators.ReduceMin():
            return [], {"keep_dims": operator.keep_dims}, [integers(operator.axes)]
        case operators.ArgMax() | operators.ArgMin():
            return [], {"output_type": _INT32}, [integers(operator.axis)]
        case operators.Gelu():
            options["approximate"] = operator.approximate
        case operators.Softmax():
            options["beta"] = operator.beta
        case operators.LeakyRelu():
            options["alpha"] = operator.alpha
        case operators.Concatenation():
            options["axis"] = operator.axis
        case operators.BatchMatMul():
            options |= {"adj_x": operator.transpose_a, "adj_y": operator.transpose_b}
        case operators.TransposeConv2D():
            x, weights = graph.input_tensors(node)[:2]
            whole = [(x.shape[a] - 1) * operator.stride[a - 1] + weights.shape[a] for a in (1, 2)]
            options["padding"] = "VALID" if whole == list(output.shape[1:3]) else "SAME"
            return [integers(output.shape)], options, []
        case operators.Tile():
            return [], {}, [integers(output.shape)]
        case operators.DepthToSpace() | operators.SpaceToDepth():
            options["block_size"] = operator.block_size
        case operators.Gather():
            options["axis"] = operator.axis
        case operators.Pack():
            options |= {"axis": operator.axis, "values_count": len(node.inputs)}
        case operators.Unpack():
            options |= {"axis": operator.axis, "num": len(node.outputs)}
        case operators.Split():
            return [integers(operator.axis)], {"num_splits": len(node.outputs)}, []
        case operators.Pad(value=value):
            fill = [] if value is None else [_pad_value(builder, graph.tensor(node.inputs[0]), value)]
            return [], {}, [integers(operator.paddings), *fill]
        case operators.Reshape():
            return [], {"new_shape": list(output.shape)}, [integers(output.shape)]
        case operators.Transpose():
            return [], {}, [integers(operator.permutation)]
        case operators.StridedSlice():
            return [], *_slice(operator, output, integers)
        case operators.ResizeNearestNeighbor() | operators.ResizeBilinear():
            options |= {
                "align_corners": operator.align_corners,
                "half_pixel_centers": operator.half_pixel_centers,
            }
            return [], options, [integers(output.shape[1:3])]
    return [], options, []


def _pad_value(builder: ModelBuilder, x: Tensor, value: float) -> int:
    data = np.array([value], x.dtype.numpy)
    return builder.constant(data, scale=x.quantization.scale, zero_point=x.quantization.zero_point)


def _slice(operator: operators.StridedSlice, output: Tensor, integers) -> tuple[dict, list[int]]:
    ends = [b + s * n for b, s, n in zip(operator.begin, operator.step, output.shape, strict=True)]
    # An end below zero would count from the back, so the mask says "to the front" instead.
    end_mask = sum(1 << axis for axis, end in enumerate(ends) if end < 0)
    return {"end_mask": end_mask}, [integers(operator.begin), integers(ends), integers(operator.step)]


def spatial(
    x: Tensor, size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], same: bool
) -> tuple[tuple[int, int], Padding]:
    """Output rows and columns, and the explicit padding, of a window over x."""
    rows = same_padding(x.shape[1], size[0], stride[0], dilation[0])
    columns = same_padding(x.shape[2], size[1], stride[1], dilation[1])
    if not same:
        rows = columns = (0, 0)
    out = tuple(
        (x.shape[axis + 1] + sum(pad) - (size[axis] - 1) * dilation[axis] - 1) // stride[axis] + 1
        for axis, pad in enumerate((rows, columns))
    )
    return out, Padding(*rows, *columns)
