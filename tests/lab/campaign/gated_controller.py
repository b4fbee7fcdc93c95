"""The program, held back once its plan is made: `gated_controller.py READY GATE ARGUMENT…`.

It makes the file READY before its run begins and goes on when GATE is there: two controllers begin at once.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet.app import execute
from wslnet.cli.main import main
from wslnet.engine.lock import only_run

if TYPE_CHECKING:
    from collections.abc import Iterator

_WITHIN_S = 60.0


@contextmanager
def _gated(state: Path) -> Iterator[None]:
    ready, gate = Path(sys.argv[1]), Path(sys.argv[2])
    ready.touch()
    until = time.monotonic() + _WITHIN_S
    while not gate.exists():
        if time.monotonic() > until:
            raise SystemExit("the gate stays shut")
        time.sleep(0.002)
    with only_run(state):
        yield


if __name__ == "__main__":
    execute.only_run = _gated  # type: ignore[assignment]
    main(sys.argv[3:])
