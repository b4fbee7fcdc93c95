"""One thing that a lab is made of, in words: what the canonical snapshot is put together from."""

from __future__ import annotations

import json

Parts = dict[str, tuple[str, ...]]
"""Name of a part, `MACHINE THING`, to its lines, which are sorted unless their order means something."""


def words(value: object) -> str:
    """A JSON value as one line, the same for the same value."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
