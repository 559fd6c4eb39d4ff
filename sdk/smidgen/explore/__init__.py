"""Explore: which layer gets how many bits, from what each choice costs on the target and in accuracy."""
