"""Residual additions on the neural engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache

from smidgen.compile.kernels.common import constant_operands, refuse_other_types
from smidgen.compile.kernels.npu import FIRST_INPUT, OUTPUT, SECOND_INPUT
from smidgen.compile.kernels.npu.kernel import EngineKernel
from smidgen.compile.kernels.npu.lists import LONGEST, ListBuilder, Region
from smidgen.compile.kernels.npu.lowering import list_blob, list_shape
from smidgen.compile.kernels.npu.tiling import call_cycles
from smidgen.compile.kernels.npu.timing import list_cycles
from smidgen.compile.kernels.npu.work import Sum, Work
from smidgen.compile.kernels.spec import Lowered
from smidgen.compile.schedule import Cost
from smidgen.graph import Graph, Node, operators
from smidgen.graph.reference.elementwise import add_parameters
from smidgen.npu.descriptor import QUAD, Add, Descriptor, Engine, Load, Store, round_up

PARTS = (128, 256, 512, 1024, 2048)  # bytes of an operand that are added by one descriptor
PLACES = 4  # of parts that are worked on
_NOTHING = Add(**dict.fromkeys((field.name for field in fields(Add)), 0))


def _add(graph: Graph, node: Node) -> Add:
    """The whole sum, all of it at address 0 of the buffer."""
    p = add_parameters(graph, node)
    return Add(
        a_address=0,
        b_address=0,
        output_address=0,
        bytes=0,
        multiplier_a=p.input1_multiplier,
        multiplier_b=p.input2_multiplier,
        multiplier_output=p.output_multiplier,
        shift_a=p.input1_shift,
        shift_b=p.input2_shift,
        shift_output=p.output_shift,
        input_zero_point=p.input1_zero_point,
        output_zero_point=p.output_zero_point,
        b_zero_point=p.input2_zero_point,
        clamp_min=p.clamp_min,
        clamp_max=p.clamp_max,
    )


@cache
def _fastest(engine: Engine, elements: int) -> tuple[int, int] | None:
    """(cycles, bytes of a part) of the fastest way, or None when every list is too long."""
    parts = [
        part for part in PARTS if 4 * -(-elements // part) <= LONGEST and 3 * part <= engine.activation_bytes
    ]
    found = [(list_cycles(_make(engine, _NOTHING, elements, part), engine), part) for part in parts]
    return min(found, default=None)


def _make(engine: Engine, whole: Add, elements: int, part: int) -> Sequence[Descriptor]:
    """Parts of both operands and of the sum lie side by side, in one place after the other."""
    builder = ListBuilder()
    places = min(engine.activation_bytes // (3 * part), PLACES)
    for index, first in enumerate(range(0, elements, part)):
        count = min(part, elements - first)
        words = round_up(count, QUAD)
        a, b, output = (index % places * 3 * part + operand * part for operand in range(3))
        regions = {address: Region(False, address, address + words) for address in (a, b, output)}
        for base, address in ((FIRST_INPUT, a), (SECOND_INPUT, b)):
            load = Load(base=base, memory_offset=first, buffer=0, buffer_address=address, bytes=words)
            builder.add(load, [], [regions[address]])
        add = replace(whole, a_address=a, b_address=b, output_address=output, bytes=words)
        builder.add(add, [regions[a], regions[b]], [regions[output]])
        store = Store(base=OUTPUT, memory_offset=first, buffer_address=output, bytes=count)
        builder.add(store, [regions[output]], [])
    return builder.descriptors


def _refuse(engine: Engine, graph: Graph, node: Node) -> str | None:
    elements = {graph.tensor(name).elements for name in (*node.inputs, *node.outputs)}
    if len(elements) > 1:
        return "its inputs broadcast"
    reason = refuse_other_types(graph, node, 2)
    if reason is not None:
        return reason
    if _fastest(engine, elements.pop()) is None:
        return f"its list has more than {LONGEST} descriptors"
    return None


def _lower(engine: Engine, graph: Graph, node: Node, optimize: str) -> Lowered:
    elements = graph.tensor(node.outputs[0]).elements
    fastest = _fastest(engine, elements)
    assert fastest is not None
    cycles, part = fastest
    add = _add(graph, node)
    descriptors = _make(engine, add, elements, part)
    words = -(-elements // QUAD)
    return Lowered(
        symbol="smidgen_npu_add",
        shape_type="struct smidgen_npu_shape",
        shape=list_shape(engine, descriptors),
        reads=node.inputs[:2],
        blobs=(list_blob(descriptors),),
        specialise=False,
        constants=constant_operands(graph, node.inputs[:2]),
        cost=Cost(cycles=call_cycles(cycles), data_port=3 * words, requantizer=3 * words),
        work=Work(Sum.of(add, graph.tensor(node.outputs[0]).shape, elements, engine)),
    )


KERNELS = (EngineKernel("npu_add", "elementwise", (operators.Add,), _refuse, _lower),)
