"""The guard of the owner's half, beside the work that holds WSL: a thread with connections of its own.

The owner's task runs as long as its session, so it is mostly there when a run asks for a guard.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from wslnet.app.boot_guard import POLL_S, Guard
from wslnet.errors import Unsupported, WslnetError
from wslnet.profiles.boot import WSL
from wslnet_win_agent.boot.places import OWNER_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_win_agent.boot.guard_files import JsonDict, Report

_END_WITHIN_S = 5.0


def owner_folder() -> Path:
    """Where the owner's guard has its files.

    Raises:
        Unsupported: this is no Windows.
    """
    profile = os.environ.get("USERPROFILE")
    if profile is None:
        raise Unsupported("boot run is what the scheduled tasks of Windows call; here is no Windows")
    return Path(profile).joinpath(*OWNER_FOLDER.split("\\"))


class Watch:
    """Looks at the owner's guard as long as it is entered; `take_back` runs in its thread."""

    def __init__(
        self, take_back: Callable[[Report], tuple[JsonDict, ...]], say: Callable[[str, str], None]
    ) -> None:
        self._guard = Guard(WSL, owner_folder(), take_back)
        self._say = say
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._stand, name="guard", daemon=True)

    def __enter__(self) -> Self:
        """Takes back what a former guard left, then watches.

        Raises:
            PlanRefused: another process is at work as this half.
        """
        self._guard.__enter__()
        self._guard.look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_END_WITHIN_S)
        self._guard.__exit__()

    @property
    def is_armed(self) -> bool:
        """Whether a run is being guarded, or taken back."""
        return self._guard.is_armed

    def await_rest(self) -> None:
        """Returns when no run is guarded; every guard has a deadline."""
        while self.is_armed:
            time.sleep(POLL_S)

    def _stand(self) -> None:
        while not self._over.wait(POLL_S):
            try:
                self._guard.look()
            except (WslnetError, OSError) as error:
                # The next look tries again; a guard that gave up would be none.
                self._say("guard", str(error))
