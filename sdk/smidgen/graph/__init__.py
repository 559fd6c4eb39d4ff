"""Graph types, operators, their NumPy reference and the packing of narrow integers."""

from smidgen.graph.types import DType, Graph, Node, Quantization, State, Tensor

__all__ = ["DType", "Graph", "Node", "Quantization", "State", "Tensor"]
