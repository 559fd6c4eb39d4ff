"""Kernels of firmware/kernels/dsp: for the DSP extension of Cortex-M4, M7 and M33."""

DSP = "dsp"
