"""Kernels of firmware/kernels/midge: those that use Xmidge, Midge's neural-network extension."""

MIDGE = "midge"
