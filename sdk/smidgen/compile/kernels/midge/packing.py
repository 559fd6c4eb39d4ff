"""Weights and parameters in the order of firmware/kernels/midge/product.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smidgen.compile.kernels.channels import Channels
from smidgen.compile.kernels.common import bias_of
from smidgen.compile.schedule import Blob
from smidgen.graph import Graph, Node
from smidgen.graph.operators.conv import SPARSE_GROUP
from smidgen.graph.reference.conv import ConvParameters

WORD = 4  # bytes
BLOCK, VECTOR_BLOCK = 16, 64  # output channels of four pixels, and of one vector
GROUP_PLACES = 1 << 16  # 16 bits say where in a row a group begins
PARAMETERS = 64  # channels whose parameters the extension holds at a time


@dataclass(frozen=True)
class Steps:
    """How a row of inputs is walked: `steps` steps of `words` words of inputs.

    bits: of a weight. A step has 4 * words inputs; a word of weights has room for 32 / bits of them, and the
    fields that are left over are zero.
    """

    bits: int
    words: int
    steps: int

    @property
    def width(self) -> int:
        """The code of `bits` in the shape register."""
        return {8: 0, 4: 1, 2: 2}[self.bits]

    @property
    def inputs(self) -> int:
        return self.steps * self.words * WORD


def steps_of(row: int, bits: int) -> Steps:
    """For a row of `row` inputs: as many words as a word of weights serves, fewer where the row has fewer."""
    words = 8 // bits
    while words > 1 and (words // 2) * WORD >= row:
        words //= 2
    return Steps(bits, words, -(-row // (words * WORD)))


def pack_weights(weights: np.ndarray, walk: Steps, block: int) -> np.ndarray:
    """Weights (channels, rows, inputs per row) as words [block][row][step][channel of the block].

    Field j of byte i of a word, `bits` wide, belongs to input 4 * j + i of the step.
    """
    channels, rows, inputs = weights.shape
    padded = np.zeros((channels, rows, walk.inputs), np.int64)
    padded[:, :, :inputs] = weights
    fields = padded.reshape(channels, rows, walk.steps, walk.words, WORD) & ((1 << walk.bits) - 1)
    shifts = 8 * np.arange(WORD) + walk.bits * np.arange(walk.words)[:, None]
    words = (fields << shifts).sum(axis=(3, 4)).astype(np.uint32)
    blocks = [words[first : first + block].transpose(1, 2, 0) for first in range(0, channels, block)]
    return np.concatenate([part.reshape(-1) for part in blocks])


def pack_parameters(bias: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, shared: bool) -> np.ndarray:
    """Words: one multiplier and shift for all come first; then by 64 channels biases, multipliers, shifts."""
    parts = [multiplier, _shift_words(shift)] if shared else []
    for first in range(0, bias.size, PARAMETERS):
        channels = slice(first, first + PARAMETERS)
        parts.append(bias[channels].astype(np.int32).view(np.uint32))
        if not shared:
            parts += [multiplier[channels], _shift_words(shift[channels])]
    return np.concatenate([part.astype(np.uint32) for part in parts])


def _shift_words(shift: np.ndarray) -> np.ndarray:
    padded = np.zeros(-(-shift.size // WORD) * WORD, np.int8)
    padded[: shift.size] = shift
    return padded.view("<u4")


def channels_of(graph: Graph, node: Node, p: ConvParameters) -> Channels:
    """The node's output channels; one multiplier and shift where all are equal."""
    weights = graph.tensor(node.inputs[1])
    multiplier = (2 * p.multiplier.astype(np.int64)).astype(np.uint32)
    shift = (-p.shift).astype(np.int8)
    if not (np.ptp(multiplier) or np.ptp(shift)):
        multiplier, shift = multiplier[:1], shift[:1]
    channels = weights.shape[0]
    bias = bias_of(graph, node, channels).astype(np.int32)
    return Channels(weights.data.reshape(channels, -1), bias, multiplier, shift, "wide")


@dataclass(frozen=True, eq=False)
class Packed:
    """Constants of a product, and how it walks along its inputs.

    present: of sparse weights, the groups that each row of each block has, (blocks, rows); walk is then that
    of a group. suffix: of the C functions that take such constants.
    """

    blobs: tuple[Blob, ...]
    walk: Steps
    shared: bool
    present: np.ndarray | None = None
    suffix: str = ""

    @property
    def fields(self) -> dict[str, int]:
        """Of a kernel's shape."""
        walk = self.walk
        return {"width": walk.width, "words": walk.words, "steps": walk.steps, "shared": int(self.shared)}


def pack(
    channels: Channels,
    input_zero_point: int,
    rows: int,
    bits: int,
    block: int = BLOCK,
    groups: int = 1,
    sparse: bool = False,
) -> Packed:
    """rows: of a window's inputs; groups: of channels, whose weights and parameters lie by themselves."""
    outputs = channels.bias.size // groups
    bias, shared = channels.bias_of_inputs(input_zero_point), channels.multiplier.size == 1
    weights = channels.weights.reshape(groups, outputs, rows, -1)
    parameters = []
    for first in range(0, channels.bias.size, outputs):
        part = slice(first, first + outputs)
        own = slice(None) if shared else part
        parameters.append(pack_parameters(bias[part], channels.multiplier[own], channels.shift[own], shared))
    scaling = Blob("parameters", np.concatenate(parameters), "requantization")
    if sparse:
        return _pack_sparse(weights[0], bits, scaling, shared)
    walk = steps_of(weights.shape[3], bits)
    words = np.concatenate([pack_weights(part, walk, block) for part in weights])
    return Packed((Blob("weights", words, "weights"), scaling), walk, shared)


def _pack_sparse(weights: np.ndarray, bits: int, scaling: Blob, shared: bool) -> Packed:
    """Without the groups of 16 inputs that are zero for a whole block of channels, as product.h has them."""
    channels, rows, inputs = weights.shape
    walk = steps_of(SPARSE_GROUP, bits)
    words, groups, present = [], [], []
    for first in range(0, channels, BLOCK):
        for row in range(rows):
            block = weights[first : first + BLOCK, row]
            parts = {at: block[:, at : at + SPARSE_GROUP] for at in range(0, inputs, SPARSE_GROUP)}
            there = [at for at, part in parts.items() if part.any()]
            if row == 0:
                there = there or [0]
                groups += [there[0], len(there) - 1, *there[1:]]
            else:
                groups += [len(there), *there]
            words += [pack_weights(parts[at][:, None], walk, BLOCK) for at in there]
            present.append(len(there))
    blobs = (
        Blob("weights", np.concatenate(words), "weights"),
        Blob("groups", np.array(groups, np.uint16), "weights"),
        scaling,
    )
    return Packed(blobs, walk, shared, np.array(present).reshape(-1, rows), f"_sparse_i{bits}")


def refuse_dense(sparse_group: int, row: int) -> str | None:
    """Why the kernels for sparse weights do not take rows of `row` inputs, or None when they do."""
    if sparse_group != SPARSE_GROUP:
        return "its weights are not sparse"
    return f"rows of {row} inputs are too long" if row > GROUP_PLACES else None
