"""Post-training quantization: from a float graph and calibration data to integers."""

from smidgen.compress.quantize.equalize import equalize
from smidgen.compress.quantize.integer import check_float, quantize
from smidgen.compress.quantize.reconstruct import correct_biases, reconstruct
from smidgen.compress.quantize.statistics import Histogram, gather

__all__ = ["Histogram", "check_float", "correct_biases", "equalize", "gather", "quantize", "reconstruct"]
