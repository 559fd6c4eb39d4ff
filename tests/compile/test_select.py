"""The choice among kernels that take the same node: by predicted cycles, within the preferred kernel set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from compile_graphs import graph, tensor

from smidgen.compile.assemble import assemble
from smidgen.compile.kernels import KernelSpec, kernels_for
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
