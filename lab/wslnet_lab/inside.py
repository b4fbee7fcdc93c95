"""Running a program inside a machine: in all its namespaces, with a clean environment, as one of its users.

The machine's own files say who its users are. Whether the machine runs is the caller's to know.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab import processes, seccomp
from wslnet_lab.errors import LabError, UsageError
from wslnet_lab.init import PATH

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.processes import Process

_PASSWD_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Account:
    """A user of a machine, from its own /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program left behind."""

    exit_code: int
    stdout: bytes
    stderr: bytes


def find_account(root: Path, name: str) -> Account:
    """A user of the machine whose files lie below `root`.

    Raises:
        UsageError: It has no such user.
    """
    for line in (root / "etc/passwd").read_text().splitlines():
        fields = line.split(":")
        if fields[0] == name and len(fields) == _PASSWD_FIELDS:
            return Account(name, int(fields[2]), int(fields[3]), fields[5], fields[6])
    raise UsageError(f"no user {name!r} in that machine")


def command(
    init: Process,
    argv: list[str],
    account: Account,
    extra: dict[str, str] | None = None,
    *,
    ports: Path | None = None,
) -> list[str]:
    """The argument vector that runs `argv` in the machine of that process 1, in the user's home.

    `ports` is the socket of WSL's port tracker, which decides the program's binds while it is there.
    """
    environment = {
        "PATH": PATH,
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.shell,
        "LANG": "C.UTF-8",
        **(extra or {}),
    }
    enter = ["nsenter", "--target", str(init.pid), "--mount", "--uts", "--net", "--pid"]
    if account.uid:
        enter += ["--setgid", str(account.gid), "--setuid", str(account.uid)]
    assignments = [f"{name}={value}" for name, value in environment.items()]
    if ports is not None and ports.exists():
        enter = [sys.executable, "-S", "-E", str(seccomp.__file__), str(ports), *enter]
    return [*enter, "--", "env", "-i", f"--chdir={account.home}", *assignments, *argv]


def run(
    init: Process,
    argv: list[str],
    account: Account,
    *,
    stdin: bytes,
    timeout_s: float,
    ports: Path | None = None,
) -> Outcome:
    """Runs a program and waits for it.

    Raises:
        LabError: It runs longer than `timeout_s` seconds (and is ended).
    """
    program = subprocess.Popen(
        command(init, argv, account, ports=ports),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        stdout, stderr = program.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        # nsenter forks on its way into the machine: only its process group has all of them.
        os.killpg(program.pid, signal.SIGKILL)
        program.communicate()
        processes.reap_orphans(program.pid)
        failure = LabError(f"{argv[0]} ran longer than {timeout_s:g} s")
        failure.code = "timed-out"
        raise failure from None
    return Outcome(program.returncode, stdout, stderr)
