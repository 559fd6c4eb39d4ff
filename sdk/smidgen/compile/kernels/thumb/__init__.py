"""Kernels of firmware/kernels/thumb: for Cortex-M0, M0+ and M3, which have no DSP extension."""

THUMB = "thumb"
