"""A board that misbehaves: fake_board.py AGENT HARM AFTER passes everything between its standard input and
output and the agent, and does the harm once AFTER bytes went to the host: hang, garbage or vanish.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys

GARBAGE = bytes(range(256)) + b"\n\x06\x09AAAA\n"


def main(agent: str, harm: str, after: int) -> None:
    process = subprocess.Popen([agent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    inward, outward = process.stdin.fileno(), process.stdout.fileno()
    passed = 0
    try:
        while True:
            ready, _, _ = select.select([0, outward], [], [])
            source = ready[0]
            data = os.read(source, 4096)
            if not data:
                return
            if source == 0:
                os.write(inward, data)
                if passed >= after and harm == "garbage":
                    os.write(1, GARBAGE)
                continue
            os.write(1, data[: max(0, after - passed)])
            passed += len(data)
            if passed >= after and harm == "vanish":
                print("the supply voltage is gone", file=sys.stderr)
                return
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
