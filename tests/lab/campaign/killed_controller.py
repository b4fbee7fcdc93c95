"""The program, killed with SIGKILL at a record of its journal: `killed_controller.py WHERE NUMBER ARGUMENT…`.

WHERE is `before` the NUMBER-th record that this process writes, `torn` (half of it is on disk) or `after`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from wslnet.cli.main import main
from wslnet.engine.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED = -signal.SIGKILL
WHERE = ("before", "torn", "after")


def dying_append(where: str, number: int) -> Callable[[Journal, bytes], None]:
    """`Journal._append` that does not survive its `number`-th call."""
    append, count = Journal._append, [0]

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def counted(journal: Journal, data: bytes) -> None:
        count[0] += 1
        if count[0] != number:
            append(journal, data)
            return
        if where == "torn":
            append(journal, data[: len(data) // 2])
        elif where == "after":
            append(journal, data)
        die()

    return counted


if __name__ == "__main__":
    Journal._append = dying_append(sys.argv[1], int(sys.argv[2]))  # type: ignore[method-assign]
    main(sys.argv[3:])
