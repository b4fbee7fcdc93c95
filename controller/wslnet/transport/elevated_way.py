"""Starts the elevated child and gives the pipe to it: one UAC prompt, one process, one connection.

On Windows ShellExecute's `runas` and a named pipe (`windows_pipe`); elsewhere, which is the lab, a program
`runas.exe` on PATH that takes the child's argument vector and hands it its own streams.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from typing import TYPE_CHECKING

from wslnet.errors import NeedsElevation
from wslnet.transport.child_pipe import ChildPipe

if TYPE_CHECKING:
    from wslnet.transport.pipe import Pipe

PROMPT_S = 180.0
"""How long the user may take with the prompt, in seconds."""


def child_arguments(plan: str, *, pipe: str, parent: int, owner: str) -> tuple[str, ...]:
    """What the child is started with behind its program: plain tokens, nothing of them is quoted.

    `owner` is the SID of who may connect, `parent` the process that will.
    """
    words = ("endpoint", "bridge", "--plan", plan, "--pipe", pipe, "--parent", str(parent), "--owner", owner)
    return ("-m", "wslnet", *words)


def start_elevated(machine: str, plan: str, owner: str) -> Pipe:
    """Ask for the rights and give the pipe to the child that has them.

    Raises:
        NeedsElevation: the prompt was declined, or nobody can be asked here.
        Unreachable: the child does not come up.
    """
    name = f"wslnet-{secrets.token_hex(16)}"
    arguments = child_arguments(plan, pipe=name, parent=os.getpid(), owner=owner)
    if sys.platform == "win32":
        from wslnet.transport.windows_pipe import run_elevated  # noqa: PLC0415 - exists on Windows alone

        return run_elevated(machine, sys.executable, arguments, name, within_s=PROMPT_S)
    else:  # noqa: RET505 - what follows is another platform's code, for the type checker too
        runas = shutil.which("runas.exe")
        if runas is None:
            raise NeedsElevation(
                f"{machine}: nobody can be asked for an administrator's rights here; nothing was changed",
                machine=machine,
            )
        return ChildPipe((runas, sys.executable, *arguments), machine)


def accept(pipe: str, owner: str, parent: int) -> Pipe:
    """The child's side: the pipe to the one process that may speak.

    Raises:
        NeedsElevation: it was somebody else, or nobody came.
    """
    if sys.platform == "win32":
        from wslnet.transport.windows_pipe import serve_one  # noqa: PLC0415 - exists on Windows alone

        return serve_one(pipe, owner, parent)
    else:  # noqa: RET505 - as above
        from wslnet.transport.own_streams import OwnStreams  # noqa: PLC0415 - of the lab's stand-in

        return OwnStreams()
