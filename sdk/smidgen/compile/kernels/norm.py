"""Kernels of firmware/kernels/portable/norm.h."""

from __future__ import annotations

import numpy as np

from smidgen.compile.kernels.common import PORTABLE, constant_operands, doubled, refuse_other_types
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.fixed_point import integer_range
from smidgen.graph.operators import InstanceNorm, LayerNorm, RmsNorm
from smidgen.graph.reference.norm import norm_parameters, refuse_integers


def _refuse(graph: Graph, node: Node) -> str | None:
    return refuse_other_types(graph, node) or refuse_integers(graph, node)


def _lower(graph: Graph, node: Node, optimize: str) -> Lowered:
    x = graph.tensor(node.inputs[0])
    p = norm_parameters(graph, node)
    by_channel = isinstance(node.operator, InstanceNorm)
    inner = x.shape[-1] if by_channel else 1
    low, high = integer_range(8)
    constants = np.broadcast_arrays(p.gamma.reshape(-1), p.beta.reshape(-1))
    single = constants[0].size == 1
    return Lowered(
        symbol="smidgen_norm",
        shape_type="struct smidgen_norm_shape",
        shape={
            "outer": x.elements // p.count // inner,
            "count": p.count,
            "inner": inner,
            "gamma_count": int(not by_channel and not single),
            "gamma_inner": int(by_channel and not single),
            "centred": int(p.centred),
            "input_zero_point": p.input_zero_point,
            "fraction_bits": p.fraction_bits,
            "root_bits": p.largest_root_bits,
            "epsilon_high": p.epsilon >> 32,
            "epsilon_low": p.epsilon & 0xFFFFFFFF,
            "multiplier": doubled(p.multiplier),
            "shift": -p.shift,
            "output_zero_point": p.output_zero_point,
            "activation_min": low,
            "activation_max": high,
        },
        reads=node.inputs[:1],
        blobs=(
            Blob("gamma", constants[0].astype(np.int16), "constant"),
            Blob("beta", constants[1].astype(np.int32), "bias"),
        ),
        specialise=False,
        constants=constant_operands(graph, node.inputs[:1]),
        # A mean's elements are all read before one is written, but other channels may lie between them.
        overlap=None if inner > 1 else 0,
        in_place=True,
    )


KERNELS = (KernelSpec("norm", "norm", PORTABLE, (LayerNorm, RmsNorm, InstanceNorm), _refuse, _lower),)
