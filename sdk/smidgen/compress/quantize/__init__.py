"""Post-training quantization: from a float graph and calibration data to integers."""

from smidgen.compress.quantize.integer import quantize
from smidgen.compress.quantize.statistics import Histogram, gather

__all__ = ["Histogram", "gather", "quantize"]
