"""Smidgen: a deployment SDK for neural networks on very small machines."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("smidgen")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"
