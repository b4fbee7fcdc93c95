"""PowerShell's child with a fault: `faulty_child.py REAL FAULT AFTER …`, lines passed on both ways.

The fault comes with the AFTERth command (counted over all children of one folder): `lost` leaves out one
fragment of a message that has several (a pipe loses no whole message), `silent` says nothing from then on,
for good, `ends` is a child that dies in mid-answer, `cut` closes the stream and lives on. `lost`, `ends` and
`cut` come once.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

_POOL = b"00000000-0000-0000-0000-000000000000"


def is_whole(line: bytes) -> bool:
    """Whether a line holds one fragment that is a message."""
    data = base64.b64decode(line.partition(b">")[2].partition(b"<")[0])
    return data[16] & 3 == 3


class Relay:
    """Both directions of one child."""

    def __init__(self, program: str, fault: str, after: int, switches: list[str]) -> None:
        self.fault, self.after = fault, after
        self.count = Path(program).with_name("commands")
        self.due = False
        self.child = subprocess.Popen([program, *switches], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def down(self) -> None:
        """From the client to the real one; counts commands."""
        for line in sys.stdin.buffer:
            if line.startswith(b"<Command "):
                number = (int(self.count.read_text()) if self.count.exists() else 0) + 1
                self.count.write_text(str(number))
                self.due = (
                    self.due or number == self.after or (self.fault == "silent" and number > self.after)
                )
            if self.child.stdin is not None:
                self.child.stdin.write(line)
                self.child.stdin.flush()
        if self.child.stdin is not None:
            self.child.stdin.close()

    def up(self) -> int:
        """From the real one to the client."""
        for line in self.child.stdout or ():
            if self.due and (self.fault == "silent" or (line.startswith(b"<Data ") and _POOL not in line)):
                if self.fault == "silent":
                    continue
                if self.fault == "lost":
                    if is_whole(line):
                        os.write(1, line)
                        continue
                    self.due = False
                    continue
                if self.fault == "ends":
                    return 1
                if self.fault == "cut":
                    os.close(1)
                    time.sleep(20)
                    return 0
            os.write(1, line)
        return self.child.wait()


if __name__ == "__main__":
    program, fault, after, *switches = sys.argv[1:]
    relay = Relay(program, fault, int(after), switches)
    threading.Thread(target=relay.down, daemon=True).start()
    code = relay.up()
    relay.child.kill()
    os._exit(code & 0xFF)
