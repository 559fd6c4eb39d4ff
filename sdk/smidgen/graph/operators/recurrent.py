"""Recurrent layers: one step after the other along the second axis of x (batch, time, inputs).

H is the number of units. Weights hold the rows of one gate after the other, in the order that the operator
names; so do biases. A layer runs from the first step to the last: one that runs backwards stands between two
StridedSlices with a step of -1. The state after the last step is an output; a `State` of the graph makes it
the input of the next run, and constant zeros as input make each run start anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smidgen.graph.operators.base import Operator


@dataclass(frozen=True)
class Lstm(Operator):
    """Long short-term memory without peepholes and projection. Gates in the order i, f, g, o.

    Inputs: x (batch, time, inputs), weights (4H, inputs), recurrent weights (4H, H), bias (4H) or None, h
    (batch, H), c (batch, H). Outputs: y (batch, time, H), the h of every step; h (batch, H) and c (batch, H)
    after the last one.

        i, f, o = logistic(W x + R h + b)    g = tanh(W x + R h + b)    each with its own rows
        c' = f c + i g, limited to -cell_clip..cell_clip unless that is 0        h' = o tanh(c')

    Hochreiter, Schmidhuber: Long short-term memory, 1997; with the forget gate of Gers et al., 2000.
    """

    type_name: ClassVar[str] = "LSTM"
    cell_clip: float = 0.0


@dataclass(frozen=True)
class Gru(Operator):
    """Gated recurrent unit. Gates in the order z (update), r (reset), n (new).

    Inputs: x (batch, time, inputs), weights (3H, inputs), recurrent weights (3H, H), bias (3H) or None,
    recurrent bias (3H) or None, h (batch, H). Outputs: y (batch, time, H), the h of every step; h (batch, H)
    after the last one.

        z, r = logistic(W x + b + R h + d)    each with its own rows
        n = tanh(W x + b + r (R h + d))       with reset_after (ONNX: linear_before_reset)
        n = tanh(W x + b + R (r h) + d)       without
        h' = (1 - z) n + z h

    Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder, arXiv 1406.1078; reset_after as
    in cuDNN.
    """

    type_name: ClassVar[str] = "GRU"
    reset_after: bool = True
