"""Compress: make the weights of a quantized model smaller, from graph to graph.

What changes here is the model itself: its outputs are no longer those of the file. Activations keep their
types and quantization.
"""

from smidgen.compress.layers import weight_layers
from smidgen.compress.requantize import BITS, requantize_weights
from smidgen.compress.sparsity import prune_groups

__all__ = ["BITS", "prune_groups", "requantize_weights", "weight_layers"]
