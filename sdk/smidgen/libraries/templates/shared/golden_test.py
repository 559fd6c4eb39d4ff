"""@{title}: does it compute here what it computed where it was made? Prints PASS or FAIL."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PACKAGE / "board"))

from smidgen_npu import Model, command_line  # noqa: E402

engine = command_line(__doc__)
model = Model(PACKAGE / "board" / "lib@{name}.so", PACKAGE / "board" / "model.json", engine)
wrong = model.golden_test()
print(f"{'FAIL' if wrong else 'PASS'}: {wrong} output bytes are wrong")
sys.exit(wrong != 0)
