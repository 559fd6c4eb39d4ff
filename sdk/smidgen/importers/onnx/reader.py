"""From bytes to a ModelProto whose frame is right: it parses, has a graph, and its opset is one we know.

Format: onnx.proto of https://github.com/onnx/onnx; protobuf's own parser checks lengths and nesting.
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import DecodeError
from onnx import ModelProto, defs

from smidgen.errors import ProblemList
from smidgen.importers.onnx.scope import printable

OLDEST_OPSET = 13
MAX_NODES = 1 << 16
DEFAULT_DOMAINS = ("", "ai.onnx")

_OLD = (
    f"export it with opset {OLDEST_OPSET} or newer, or convert it with onnx.version_converter.convert_version"
)


def parse(content: bytes) -> ModelProto | None:
    """The model, or None when the content is none."""
    try:
        model = ModelProto.FromString(content)
    except (DecodeError, ValueError, RecursionError):
        return None
    # Some other protobuf, or other bytes that happen to parse: every model has these two.
    if model.ir_version <= 0 or not model.HasField("graph"):
        return None
    # Of damaged text the parser makes bytes.
    return model if all(isinstance(text, str) for text in _texts(model)) else None


def _texts(model: ModelProto) -> Iterator[str]:
    """All names that the importer looks at."""
    graph = model.graph
    for node in graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (one.name for one in node.attribute)
    for info in (*graph.input, *graph.output):
        yield info.name
        yield from (size.dim_param for size in info.type.tensor_type.shape.dim)
    constants = [one.t for node in graph.node for one in node.attribute if one.HasField("t")]
    for tensor in (*graph.initializer, *constants):
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))
    yield from (one.domain for one in model.opset_import)
    yield from (one.name for one in model.functions)
    yield from (one.values.name for one in graph.sparse_initializer)


def check_frame(model: ModelProto, where: str, problems: ProblemList) -> int:
    """The version of the default operator set; what is wrong with the model as a whole joins `problems`."""
    versions = {one.version for one in model.opset_import if one.domain in DEFAULT_DOMAINS}
    newest = defs.onnx_opset_version()
    opset = max(versions, default=0)
    if not versions:
        problems.add(where, "names no operator set of the ONNX domain", "export the model again")
    elif opset < OLDEST_OPSET:
        problems.add(where, f"uses operator set {opset}; at least {OLDEST_OPSET} is supported", _OLD)
    elif opset > newest:
        what = f"uses operator set {opset}, but the installed onnx package knows those up to {newest}"
        problems.add(where, what, "install a newer onnx package")
    if len(model.graph.node) > MAX_NODES:
        problems.add(where, f"has {len(model.graph.node):,} nodes; at most {MAX_NODES:,} are read")
    if not model.graph.output:
        problems.add(where, "the model has no outputs")
    if model.functions:
        names = ", ".join(printable(one.name) for one in model.functions[:3])
        what = f"defines functions of its own ({names})"
        problems.add(where, what, "inline them with onnx.inliner.inline_local_functions")
    for sparse in model.graph.sparse_initializer:
        name = printable(sparse.values.name)
        problems.add(f"{where}: initializer '{name}'", "is stored sparsely", "export dense weights")
    return opset
