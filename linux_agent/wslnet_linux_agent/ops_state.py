"""Where a machine keeps the state of runs, its guard and its lock: one folder of root's in a tmpfs.

In WSL it lies in the tmpfs that all distributions share, because they share one network namespace too. One
at a time looks at the state and acts on it. Not part of the bundle: it is sent before the ops that need it.
"""

import fcntl
import json
import os
import stat
import time

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = dict[str, Any]

# CLOCK_BOOTTIME runs on while the machine sleeps; Python 3.5 has no name for it.
_BOOTTIME = 7
_LOCK_WAIT_S = 30.0
_POLL_S = 0.02
_HERE = "/run/wslnet"
# Where logind cannot end a process with its session (KillUserProcesses); of interest where systemd rules.
_SYSTEMD = "/run/systemd/system"
_GROUPS = ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/systemd/cgroup.procs")


def _folder() -> "str":
    """Give /mnt/wsl/wslnet in WSL (or as `automount.root` has it, wsl-facts 2.2), else /run/wslnet."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
        for line in file:
            place, kind = line.split(" ")[1:3]
            if kind == "tmpfs" and place.endswith("/wsl") and place.count("/") <= len(("", "mnt")):
                return place + "/wslnet"
    return _HERE


FOLDER = _folder()


class Locked:
    """Holds the folder's lock, and makes the folder if there is none."""

    def __enter__(self) -> "None":
        os.makedirs(FOLDER, 0o700, exist_ok=True)
        self._number = os.open(FOLDER, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        until = time.monotonic() + _LOCK_WAIT_S
        try:
            _demand_own(self._number)
            while not lock(self._number):
                _demand_before(until)
                time.sleep(_POLL_S)
        except BaseException:
            os.close(self._number)
            raise

    def __exit__(self, *_: "object") -> "None":
        # Closing alone would leave the lock with a guard that was forked in between.
        fcntl.flock(self._number, fcntl.LOCK_UN)
        os.close(self._number)


def prepare() -> "None":
    """Make the folder if there is none, and refuse one that is not root's alone."""
    os.makedirs(FOLDER, 0o700, exist_ok=True)
    number = os.open(FOLDER, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        _demand_own(number)
    finally:
        os.close(number)


def _demand_own(folder: "int") -> "None":
    """Refuse a folder that another user put into the shared tmpfs: it would hold root's ops."""
    found = os.fstat(folder)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise OpError("not-permitted", "%s is not root's alone: remove it" % FOLDER)


def _demand_before(until: "float") -> "None":
    if time.monotonic() > until:
        raise OpError("timed-out", "%s is busy" % FOLDER)


def lock(number: "int") -> "bool":
    """Take the lock of an open file or folder; False when somebody has it."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def now() -> "float":
    """Give seconds since the machine booted, its sleep included."""
    return time.clock_gettime(_BOOTTIME)


def read(name: "str") -> "State | None":
    """Give what a file of the folder holds; None when it is not there or was cut off."""
    try:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            state = json.load(file)  # type: State
    except (FileNotFoundError, ValueError):
        return None
    return state


def write(name: "str", state: "State") -> "None":
    """Put a file in place of the one there, readable by root alone."""
    path = os.path.join(FOLDER, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with open(os.open(path + ".new", flags, 0o600), "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.rename(path + ".new", path)


def detach(kept: "tuple[int, ...]") -> "bool":
    """Leave the agent behind: a session of its own, nothing open but `kept` and the null device.

    Forks once more; gives False in the process that is to end, True in the one that lives on.
    """
    os.setsid()
    if os.fork():
        return False
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, *kept):
            try:
                os.close(int(name))
            except OSError:
                # The one with which the folder was listed.
                continue
    for group in _GROUPS if os.path.isdir(_SYSTEMD) else ():
        if os.access(group, os.W_OK):
            with open(group, "w") as file:
                file.write("0")
    return True
