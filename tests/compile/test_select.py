"""The choice among kernels that take the same node: by predicted cycles, within the preferred kernel set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from compile_graphs import graph, tensor

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels import KernelSpec, Lowered, kernels_for
from smidgen.compile.schedule import Cost
from smidgen.compile.select import Selector
from smidgen.errors import ModelError
from smidgen.graph import Graph, Node
from smidgen.graph.operators import Relu
from smidgen.run.result import layers_of


def model() -> Graph:
    tensors = [tensor("x", (1, 8)), tensor("y", (1, 8))]
    return graph(tensors, [Node("relu", Relu(), ("x",), ("y",))], ["x"], ["y"])


def kernel(name: str, kernel_set: str, cycles: int | None = None, refusal: str | None = None) -> KernelSpec:
    """The portable kernel of Relu under another name, with a cost."""
    (portable,) = [spec for spec in kernels_for(["portable"]) if Relu in spec.operators]
    cost = None if cycles is None else Cost(cycles)
    return replace(
        portable,
        name=name,
        kernel_set=kernel_set,
        refuse=lambda graph, node: refusal,
        lower=lambda graph, node, optimize: replace(portable.lower(graph, node, optimize), cost=cost),
    )


def chosen(*specs: KernelSpec) -> str:
    ((_, spec, lowered),) = Selector(specs, "speed").select(model())
    assert lowered.symbol
    return spec.name


def test_the_cheapest_of_a_set_is_taken() -> None:
    slow, fast, middle = (kernel(name, "a", cycles) for name, cycles in (("s", 90), ("f", 10), ("m", 50)))
    assert chosen(slow, fast, middle) == chosen(fast, middle, slow) == "f"


def test_of_two_that_cost_the_same_the_first_is_taken() -> None:
    assert chosen(kernel("first", "a", 10), kernel("second", "a", 10)) == "first"


def test_one_whose_cost_is_known_comes_before_one_whose_is_not() -> None:
    assert chosen(kernel("unknown", "a"), kernel("known", "a", 1000)) == "known"


def test_engine_and_core_are_compared() -> None:
    engine, core = kernel("engine", "npu", 50), kernel("core", "midge", 20)
    assert chosen(engine, core, kernel("plain", "portable", 10)) == "core"
    assert chosen(kernel("engine", "npu", 20), core) == "engine"
    assert chosen(kernel("engine", "npu", 10, refusal="too wide"), core) == "core"


def test_without_costs_the_first_is_taken() -> None:
    assert chosen(kernel("first", "a"), kernel("second", "a")) == "first"


def test_a_later_set_is_not_asked_for_its_price() -> None:
    assert chosen(kernel("preferred", "a", 90), kernel("cheaper", "b", 10)) == "preferred"
    assert chosen(kernel("preferred", "a"), kernel("cheaper", "b", 10)) == "preferred"


def test_a_later_set_takes_over_what_is_refused() -> None:
    refused = kernel("fast", "a", 1, "too odd")
    assert chosen(refused, kernel("slow", "b")) == "slow"
    with pytest.raises(ModelError, match="fast: too odd; other: too even"):
        Selector([refused, kernel("other", "b", refusal="too even")]).select(model())


def test_with_little_room_the_kernel_that_needs_least_memory_is_taken() -> None:
    """RELU of 8 bytes: 8 in place, 16 apart, 12 with 4 bytes of scratch in place."""
    fast, middle, small = kernel("fast", "a", 10), kernel("middle", "a", 50), kernel("small", "a", 90)
    specs = [needing(fast, overlap=None), needing(middle, scratch_bytes=4), needing(small)]
    selector = Selector(specs)
    taken = {
        room: selector.select(model(), room=None if room is None else {"relu": room})[0][1].name
        for room in (None, 16, 15, 12, 11, 0)
    }
    assert taken == {None: "fast", 16: "fast", 15: "middle", 12: "middle", 11: "small", 0: "small"}


def needing(spec: KernelSpec, overlap: int | None = 0, scratch_bytes: int = 0) -> KernelSpec:
    """The kernel with other needs of memory."""

    def lower(graph: Graph, node: Node, optimize: str) -> Lowered:
        return replace(spec.lower(graph, node, optimize), overlap=overlap, scratch_bytes=scratch_bytes)

    return replace(spec, lower=lower)


def test_nodes_that_are_alike_run_alike_on_their_own_tensors() -> None:
    """The second node's kernel is remembered from the first; it reads what the second reads."""
    tensors = [tensor(name, (1, 8)) for name in ("x", "y")]
    result = replace(tensors[1], name="z")
    nodes = [Node("a", Relu(), ("x",), ("y",)), Node("b", Relu(), ("y",), ("z",))]
    tensors[1] = replace(tensors[1], quantization=tensors[0].quantization)
    twice = graph([*tensors, replace(result, quantization=tensors[0].quantization)], nodes, ["x"], ["z"])
    first, second = Selector([kernel("only", "a", 1)]).select(twice)
    assert (first[2].reads, second[2].reads) == (("x",), ("y",))
    assert first[2].blobs == second[2].blobs


def test_the_roof_is_what_needs_the_most_cycles() -> None:
    cost = Cost(cycles=200, multipliers=80, data_port=120, requantizer=100)
    assert (cost.bound, cost.bound_cycles) == ("data_port", 120)
    assert Cost(10, multipliers=4, requantizer=5).bound == "requantizer"


def test_the_prediction_reaches_the_layers_of_the_report() -> None:
    schedule = assemble(model(), Selector([kernel("only", "a", 70)]))
    costed = replace(schedule.calls[0], macs=480, cost=Cost(100, multipliers=60, data_port=40))
    (layer,) = layers_of(replace(schedule, calls=(costed,)))
    measured = replace(layer, cycles=80.0)
    assert (layer.predicted_cycles, layer.roof_cycles, layer.bound) == (100, 60, "multipliers")
    assert (measured.macs_per_cycle, measured.roof_macs_per_cycle, measured.roof_share) == (6, 8, 0.75)
    assert measured.prediction_error == pytest.approx(0.25)
    assert measured.to_json()["roof_macs_per_cycle"] == 8
    assert layer.prediction_error is None
