"""From a graph to a bundle: lower, select kernels, plan the arena, emit C, build firmware."""
