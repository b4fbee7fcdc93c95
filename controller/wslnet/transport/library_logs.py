"""Keeps what libraries log away from the user's terminal.

Python prints warnings of a logger without handlers on stderr: tracebacks, and text that a machine sent. What
matters of it is raised too, and becomes one line of ours.
"""

from __future__ import annotations

import logging


def mute(*names: str) -> None:
    """Let the loggers of these names, and those below them, print nothing unless somebody set them up."""
    for name in names:
        log = logging.getLogger(name)
        if not log.handlers:
            log.addHandler(logging.NullHandler())
