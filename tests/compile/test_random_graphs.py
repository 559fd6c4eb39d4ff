"""Random graphs with many live tensors: lifetimes, aliases, views, states stay right through every stage."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from compile_graphs import assert_host_equals_reference, graph, random_inputs, tensor

from smidgen.graph import Graph, Node, State, Tensor
from smidgen.graph.operators import (
    Add,
    Concatenation,
    Maximum,
    Mul,
    Operator,
    Pad,
    Quantize,
    Relu,
    Reshape,
    Split,
    StridedSlice,
    Transpose,
)

Step = tuple[Operator, list[Tensor], list[tuple[int, ...]]]
LARGEST = 400  # elements


def random_step(generator: random.Random, values: list[Tensor]) -> Step | None:
    """An operator on some of the values, and the shapes of its outputs; None when the draw does not fit."""
    x = generator.choice(values)
    rows, columns = x.shape
    same = [value for value in values if value.shape == x.shape]
    other = generator.choice(same)
    match generator.randrange(13):
        case 0:
            return generator.choice([Add(), Mul(), Maximum()]), [x, other], [x.shape]
        case 1:
            return Relu(), [x], [x.shape]
        case 2:
            return Reshape(), [x], [(columns, rows)]
        case 3:
            return Transpose((1, 0)), [x], [(columns, rows)]
        case 4 if columns % 2 == 0:
            return Split(1), [x], [(rows, columns // 2)] * 2
        case 5:
            return Concatenation(1), [x, other], [(rows, 2 * columns)]
        case 6:
            return Pad(((1, 0), (0, 1))), [x], [(rows + 1, columns + 1)]
        case 7 if columns > 1:
            return StridedSlice((0, 1), (1, 1)), [x], [(rows, columns - 1)]
        case 8:
            return StridedSlice((0, columns - 1), (1, -1)), [x], [(rows, columns)]
        case 9:
            return Quantize(), [x], [x.shape]
        case 10 if rows % 2 == 0:
            return Split(0), [x], [(rows // 2, columns)] * 2
        case 11:
            parts = [value for value in values if value.shape[1] == columns]
            chosen = generator.sample(parts, min(len(parts), generator.randint(2, 3)))
            return Concatenation(0), chosen, [(sum(part.shape[0] for part in chosen), columns)]
        case 12 if rows > 1:
            first = generator.randrange(rows)
            return StridedSlice((first, 0), (1, 1)), [x], [(generator.randint(1, rows - first), columns)]
    return None


def random_graph(seed: int) -> Graph:
    generator = random.Random(seed)
    shapes = [(generator.randint(1, 5), generator.choice((1, 3, 4, 6, 8))) for _ in range(3)]
    inputs = [tensor(f"x{i}", shape, 0.5, -3) for i, shape in enumerate(shapes)]
    states = [tensor(f"s{i}", shape, 0.5, -3) for i, shape in enumerate(shapes[:2])]
    values, nodes = [*inputs, *states], []
    while len(nodes) < 16:
        step = random_step(generator, values)
        if step is None or any(rows * columns > LARGEST for rows, columns in step[2]):
            continue
        operator, operands, results = step
        outputs = [tensor(f"t{len(nodes)}_{i}", shape, 0.5, -3) for i, shape in enumerate(results)]
        names = tuple(operand.name for operand in operands), tuple(output.name for output in outputs)
        nodes.append(Node(f"n{len(nodes)}", operator, *names))
        values += outputs
    kept = [
        State(s.name, generator.choice([v for v in values if v.shape == s.shape]).name, start(s, seed))
        for s in states
    ]
    results = [value.name for value in generator.sample(values, 3)]
    return graph(values, nodes, [x.name for x in inputs], results, kept, f"random_{seed}")


def start(state: Tensor, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, state.shape).astype(np.int8)


@pytest.mark.parametrize("seed", range(30))
def test_random_graph(seed: int, tmp_path: Path) -> None:
    model = random_graph(seed)
    optimize = ("speed", "size")[seed % 2]
    arena = ("fast", "fast", "small")[seed % 3]
    samples = random_inputs(model, seed, count=4)
    assert_host_equals_reference(model, tmp_path, samples, optimize, arena=arena)
