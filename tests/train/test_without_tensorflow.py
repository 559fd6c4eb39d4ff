"""Without TensorFlow, training says what to install; nothing else needs it."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from smidgen.errors import UsageError


def test_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("smidgen.train")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("tensorflow", "keras"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"pip install 'smidgen\[train\]'"):
        importlib.import_module("smidgen.train.bridge")


def test_the_command_line_loads_no_tensorflow() -> None:
    program = (
        "import sys; from smidgen.cli.main import make_parser; make_parser([]); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
