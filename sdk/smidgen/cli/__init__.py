"""The command `smidgen`: one file per verb."""

from smidgen.cli.main import main

__all__ = ["main"]
