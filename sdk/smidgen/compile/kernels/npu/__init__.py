"""Kernels that run on the neural engine: lists of descriptors and the constants that they load."""

NPU = "npu"
# The base registers, as firmware/kernels/npu/engine.h sets them.
FIRST_INPUT, SECOND_INPUT, WEIGHTS, OUTPUT = range(4)
