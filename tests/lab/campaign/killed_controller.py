"""The program, killed with SIGKILL at a record of its journal: `killed_controller.py WHERE NUMBER ARGUMENT…`.

WHERE is `before` the NUMBER-th record that this process writes, `torn` (half of it is on disk) or `after`.
"""

from __future__ import annotations

import os
import signal
import sys
from io import FileIO

from wslnet.cli.main import main
from wslnet.engine import journal

KILLED = -signal.SIGKILL
WHERE = ("before", "torn", "after")


class DeadlyFile(FileIO):
    """The journal's file; the process does not survive one of the writes to it."""

    where = ""
    left = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        DeadlyFile.left -= 1
        if DeadlyFile.left != 0:
            return super().write(data)
        written = {"before": b"", "torn": data[: len(data) // 2], "after": data}[self.where]
        super().write(written)
        os.fsync(self.fileno())
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit("unreachable")


if __name__ == "__main__":
    DeadlyFile.where, DeadlyFile.left = sys.argv[1], int(sys.argv[2])
    journal.FileIO = DeadlyFile  # type: ignore[misc]
    main(sys.argv[3:])
