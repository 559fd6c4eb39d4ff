"""Kernels: what the C functions of firmware/kernels can compute, declared once each.

One Python module per operator family, named as the C header that it declares.
"""

from __future__ import annotations

from collections.abc import Sequence

from smidgen.compile.kernels import (
    activation,
    batch_matmul,
    conv,
    elementwise,
    int16,
    int16_values,
    logic,
    matmul,
    norm,
    pool,
    quantize,
    recurrent,
    reduce,
    resize,
    shape,
    transpose_conv,
)
from smidgen.compile.kernels.dsp import conv as dsp_conv
from smidgen.compile.kernels.dsp import depthwise as dsp_depthwise
from smidgen.compile.kernels.dsp import elementwise as dsp_elementwise
from smidgen.compile.kernels.dsp import matmul as dsp_matmul
from smidgen.compile.kernels.midge import activation as midge_activation
from smidgen.compile.kernels.midge import conv as midge_conv
from smidgen.compile.kernels.midge import depthwise as midge_depthwise
from smidgen.compile.kernels.midge import elementwise as midge_elementwise
from smidgen.compile.kernels.midge import matmul as midge_matmul
from smidgen.compile.kernels.midge import pool as midge_pool
from smidgen.compile.kernels.midge import reduce as midge_reduce
from smidgen.compile.kernels.mve import conv as mve_conv
from smidgen.compile.kernels.mve import elementwise as mve_elementwise
from smidgen.compile.kernels.mve import matmul as mve_matmul
from smidgen.compile.kernels.mve import pool as mve_pool
from smidgen.compile.kernels.npu import conv as npu_conv
from smidgen.compile.kernels.npu import depthwise as npu_depthwise
from smidgen.compile.kernels.npu import elementwise as npu_elementwise
from smidgen.compile.kernels.npu import matmul as npu_matmul
from smidgen.compile.kernels.npu import pool as npu_pool
from smidgen.compile.kernels.npu import resize as npu_resize
from smidgen.compile.kernels.npu import shape as npu_shape
from smidgen.compile.kernels.spec import KernelSpec, Lowered
from smidgen.compile.kernels.thumb import conv as thumb_conv
from smidgen.compile.kernels.thumb import depthwise as thumb_depthwise
from smidgen.compile.kernels.thumb import matmul as thumb_matmul
from smidgen.graph import Graph, Node
from smidgen.npu.descriptor import Engine

__all__ = ["COMPILE_FLAGS", "KernelSpec", "Lowered", "kernels_for", "willing"]

# GCC's first scheduling pass and its reassociation keep so many products of a multiply block alive at once
# that the accumulators spill.
COMPILE_FLAGS = {
    "speed": ["-O3", "-fno-schedule-insns", "-fno-tree-reassoc"],
    "size": ["-Os", "-fno-schedule-insns", "-fno-tree-reassoc"],
}

_PORTABLE = (
    conv,
    transpose_conv,
    matmul,
    batch_matmul,
    pool,
    reduce,
    elementwise,
    activation,
    norm,
    logic,
    shape,
    quantize,
    resize,
    recurrent,
    int16,
    int16_values,
)
_DSP = (dsp_conv, dsp_depthwise, dsp_matmul, dsp_elementwise)
_MVE = (mve_conv, mve_matmul, mve_elementwise, mve_pool)
_THUMB = (thumb_conv, thumb_depthwise, thumb_matmul)
_MIDGE = (
    midge_conv,
    midge_matmul,
    midge_depthwise,
    midge_pool,
    midge_reduce,
    midge_elementwise,
    midge_activation,
)
_NPU = (npu_conv, npu_matmul, npu_depthwise, npu_pool, npu_elementwise, npu_resize, npu_shape)
# The kernel sets whose costs are predicted, all in the same unit.
PREDICTED = ("npu", "midge")
_ALL = tuple(spec for family in (*_DSP, *_MVE, *_THUMB, *_MIDGE, *_PORTABLE) for spec in family.KERNELS)


def kernels_for(kernel_sets: Sequence[str], engine: Engine | None = None) -> list[KernelSpec]:
    """The kernels of a target, those of its first kernel set first. engine: the target's (None: one of the
    usual size)."""
    engine = engine or Engine()
    specs = [*_ALL, *(kernel.on(engine) for family in _NPU for kernel in family.KERNELS)]
    return [spec for name in kernel_sets for spec in specs if spec.kernel_set == name]


def willing(graph: Graph, node: Node, specs: Sequence[KernelSpec]) -> tuple[list[KernelSpec], dict[str, str]]:
    """Those of the kernels that can run the node, in their order, and why each of the others for its operator
    cannot."""
    reasons = {spec: spec.refuse(graph, node) for spec in specs if isinstance(node.operator, spec.operators)}
    able = [spec for spec, reason in reasons.items() if reason is None]
    return able, {spec.name: reason for spec, reason in reasons.items() if reason is not None}
