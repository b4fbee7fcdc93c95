r"""The scheduled task of one published UDP port in NAT mode: what it carries stands in its arguments.

So there is no file that somebody could change, and what Windows shows of the task is what runs. It runs as
LOCAL SERVICE: nothing of it needs rights.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from .places import PROGRAM
from .task import LOCAL_SERVICE_SID, Task, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"relay-udp-(?P<port>[0-9]{1,5})")
_FOR_EVER = "PT0S"


def relay_name(port: int) -> str:
    """Name of the task that carries a port."""
    return f"relay-udp-{port}"


def port_of(name: str) -> int | None:
    """The port that a task of this name carries; None for any other task."""
    found = _NAME.fullmatch(name)
    return int(found["port"]) if found is not None else None


def relay_task(port: int, listens: Sequence[str], address: str, target_port: int) -> Task:
    """The task that carries UDP `port` of these addresses of Windows to a port of `address`.

    It starts with Windows and on demand; a second start finds it running.
    """
    words = [word for listen in listens for word in ("--listen", f"{listen}:{port}")]
    return Task(
        name=relay_name(port),
        user=LOCAL_SERVICE_SID,
        logon="",
        highest=False,
        triggers=(Trigger("boot"),),
        instances="IgnoreNew",
        limit=_FOR_EVER,
        command=PROGRAM,
        arguments=shlex.join(["boot", "relay", *words, "--to", f"{address}:{target_port}"]),
    )
