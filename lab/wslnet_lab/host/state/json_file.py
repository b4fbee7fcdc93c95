"""One JSON document on disk that a model keeps its state in: read once, written whole and atomically.

It knows nothing of what the document means.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


_ERRORS = "surrogatepass"  # .NET's text may hold half a character, and so may a rule's name


class JsonFile:
    """A JSON object in `path`; `default` makes the first content when the file does not exist."""

    def __init__(self, path: Path, default: Callable[[], dict[str, Any]]) -> None:
        self._path = path
        self._lock = threading.RLock()
        if path.exists():
            self._data: dict[str, Any] = json.loads(path.read_text("utf-8", _ERRORS))
        else:
            self._data = default()
            self._write()

    @property
    def data(self) -> dict[str, Any]:
        """The document as it is now; to change it, use `change`."""
        return self._data

    @contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """Gives the document for changing and writes it when the block ends without an exception."""
        with self._lock:
            draft = json.loads(json.dumps(self._data))
            yield draft
            # A value that is no JSON fails this change; it does not stay and fail every later one.
            json.dumps(draft)
            self._data = draft
            self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(self._path.name + ".new")
        temporary.write_text(json.dumps(self._data, indent=1, ensure_ascii=False) + "\n", "utf-8", _ERRORS)
        temporary.replace(self._path)
