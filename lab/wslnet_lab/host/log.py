"""The call log behind `lab log`: one JSON line per pipeline and native program, append-only."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class JsonLinesLog:
    """`contract.CallLog` over one file, `log/calls.jsonl` of the lab's folder."""

    def __init__(self, path: Path) -> None:
        """Takes the file; it is made with its folder when the first entry comes, and never cut."""
        self._path = path
        self._lock = threading.Lock()

    def write(self, entry: Mapping[str, object]) -> None:
        """Appends one entry with the time of now (`at`, UTC); one write, so that readers see whole lines."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry}) + "\n"
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
