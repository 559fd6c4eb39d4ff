"""Entry point: parses the command line, runs a verb, turns errors into one message and an exit code.

Exit codes: 0 done, 1 a check failed, 2 wrong usage, 3 the device, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from smidgen import __version__
from smidgen.cli.parser import USAGE_EXIT_CODE, Parser
from smidgen.errors import SmidgenError

# Each is a module of this folder.
VERBS = (
    "analyze",
    "compress",
    "build",
    "export",
    "flash",
    "run",
    "validate",
    "profile",
    "bench",
    "boards",
    "targets",
    "ops",
    "doctor",
)
INTERRUPTED_EXIT_CODE = 130


def make_parser(arguments: Sequence[str]) -> Parser:
    """The parser for these arguments.

    It knows only the verb that they name, because loading all of them takes longer than many commands run,
    or all of them where none is named.
    """
    parser = Parser(prog="smidgen", description="Deploy neural networks on very small machines.")
    parser.add_argument("--version", action="version", version=f"smidgen {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND", parser_class=Parser)
    for name in [arguments[0]] if arguments and arguments[0] in VERBS else VERBS:
        module = import_module(f"smidgen.cli.{name}")
        verb = verbs.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_options(verb)
        verb.set_defaults(run=module.run, parser=verb)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        options = make_parser(given).parse_args(given)
        return options.run(options)
    except SmidgenError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED_EXIT_CODE
    except BrokenPipeError:
        # The reader of our output has gone (`smidgen ops | head`): end as other programs do, silently.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        return USAGE_EXIT_CODE
