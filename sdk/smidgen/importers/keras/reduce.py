"""Global pooling, and reductions of keras.ops."""

from __future__ import annotations

from smidgen.graph import DType, Tensor
from smidgen.graph.operators import ArgMax, ArgMin, Mean, Operator, ReduceMax, ReduceMin, Sum
from smidgen.importers.keras.call import Call, layer, operation


@layer("GlobalAveragePooling1D", "GlobalAveragePooling2D", makes=[Mean])
def global_average_pooling(call: Call) -> Tensor:
    return _global(call, Mean)


@layer("GlobalMaxPooling1D", "GlobalMaxPooling2D", makes=[ReduceMax])
def global_max_pooling(call: Call) -> Tensor:
    return _global(call, ReduceMax)


def _global(call: Call, kind: type[Mean] | type[ReduceMax]) -> Tensor:
    call.refuse_channels_first()
    call.refuse_argument("mask")
    call.expect_rank(call.x, 3 if "1D" in call.layer.class_name else 4)
    axes = tuple(range(1, len(call.x.shape) - 1))
    return _reduced(call, kind(axes, call.flag("keepdims")))


def _reduced(call: Call, operator: Mean | Sum | ReduceMax | ReduceMin) -> Tensor:
    x = call.x
    call.expect_float(x)
    sizes = [1 if axis in operator.axes else size for axis, size in enumerate(x.shape)]
    if not operator.keep_dims:
        sizes = [size for axis, size in enumerate(x.shape) if axis not in operator.axes]
    return call.emit(operator, [x], sizes)


def _reduction(name: str, kind: type[Operator]) -> None:
    @operation(name, makes=[kind])
    def reduction(call: Call) -> Tensor:
        call.refuse_argument("initial")
        if call.option("initial") is not None:
            call.fail("starts from an initial value, which is not supported")
        axes = call.axes(call.option("axis"), len(call.x.shape))
        return _reduced(call, kind(axes, call.flag("keepdims")))  # type: ignore[call-arg,arg-type]


for _name, _kind in (("Mean", Mean), ("Sum", Sum), ("Max", ReduceMax), ("Min", ReduceMin)):
    _reduction(_name, _kind)


def _index(name: str, kind: type[ArgMax] | type[ArgMin]) -> None:
    @operation(name, makes=[kind])
    def index(call: Call) -> Tensor:
        x = call.x
        if call.option("axis") is None:
            call.fail("has no axis", "name one")
        axis = call.axis(call.option("axis"), len(x.shape))
        kept = (1,) if call.flag("keepdims") else ()
        return call.emit(kind(axis), [x], (*x.shape[:axis], *kept, *x.shape[axis + 1 :]), DType.I32)


_index("Argmax", ArgMax)
_index("Argmin", ArgMin)
