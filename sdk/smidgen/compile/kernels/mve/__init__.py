"""Kernels of firmware/kernels/mve: for Helium, the vector extension of Cortex-M55."""

MVE = "mve"
