"""Argument parsing that names the nearest option when one is wrong."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable
from typing import NoReturn

USAGE_EXIT_CODE = 2

_OPTION = re.compile(r"--[a-z][a-z-]*|-[A-Za-z]")


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean a or b?' for the known words that resemble `word`, else ''."""
    near = difflib.get_close_matches(word, list(known), n=2, cutoff=0.7)
    return f"did you mean {' or '.join(near)}?" if near else ""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one message: what is wrong and what to do. No abbreviations."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"error: {self.prog}: {message}\n    {self._fix(message)}\n")
        raise SystemExit(USAGE_EXIT_CODE)

    def parse_known_args(self, args=None, namespace=None):
        arguments = list(sys.argv[1:] if args is None else args)
        self._check_options(arguments)
        return super().parse_known_args(arguments, namespace)

    def _check_options(self, arguments: list[str]) -> None:
        """Complain about the first option that this command does not have, before what is missing."""
        known = [option for action in self._actions for option in action.option_strings]
        for argument in arguments:
            name = argument.split("=")[0]
            if self._subparsers is not None and not name.startswith("-"):
                return  # the rest is the verb's
            if _OPTION.fullmatch(name) and name not in known:
                self.error(f"'{name}' is not an option of this command. {nearest(name, known)}".strip())

    def _check_value(self, action: argparse.Action, value) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            what = f"'{value}' is not a command" if action.dest == "verb" else f"'{value}' is not known"
            message = f"{what}; use one of: {', '.join(choices)}. {nearest(str(value), choices)}".strip()
            raise argparse.ArgumentError(None if action.dest == "verb" else action, message)

    def _fix(self, message: str) -> str:
        return f"try '{self.prog} --help'"
