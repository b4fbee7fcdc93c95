"""Turns what paramiko raises into errors of ours: one line, with the machine's name in front."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.pipe import left

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def translated(machine: str, problem: str, deadline: float) -> Iterator[None]:
    """Run the body; `problem` says what the machine did if paramiko gives up (`opens no session`).

    Raises:
        DeadlineExceeded: paramiko gave up and the deadline has passed.
        Unreachable: it gave up for another reason.
    """
    import paramiko  # noqa: PLC0415 - `wslnet --help` must not load it

    try:
        yield
    except (paramiko.SSHException, EOFError, OSError) as error:
        if left(deadline) == 0:
            raise DeadlineExceeded(f"{machine}: it {problem} in time", machine=machine) from error
        reason = f" ({error.text})" if isinstance(error, paramiko.ChannelException) else ""
        raise Unreachable(f"{machine}: it {problem}{reason}", machine=machine) from error
