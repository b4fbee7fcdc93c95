"""The first process of a machine: enters its namespaces, builds its view of files, runs its services.

Started as `python -S -m wslnet_lab.init BOOT.json`. The caller gets one line, the number of the machine's
process 1, when its services are started; then the two are on their own. Standard library only, all of it
imported before the root changes: afterwards the interpreter's own files are out of reach.

Signals to process 1: TERM shuts the machine down, USR1 ends its services, USR2 starts those that are gone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from wslnet_lab import seccomp, syscalls, wsl_conf

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
_TUN = (10, 200)
_STOP_GRACE_S = 2.0
_NETWORKING_TIMEOUT_S = 15.0
_IFUP, _INTERFACES = "/usr/sbin/ifup", "/etc/network/interfaces"


@dataclass(frozen=True)
class Boot:
    """What a machine is started with.

    Attributes:
        netns: Path of its network namespace.
        hostname: Its name to itself.
        root: Folder that becomes its root; None: it sees this host's files (Windows).
        services: Argument vectors, each started once.
        environment: Of the services.
        log: File that gets what the services print.
        binds: Source on this host, target in the machine (absolute, made if missing), in this order.
        boot_id: Text for /proc/sys/kernel/random/boot_id.
        wsl_boot: Whether `[boot] command` of /etc/wsl.conf is run.
        silent: Whether its services wait for USR2 instead of starting now.
        ports: Socket of the port tracker that decides its binds, None: nobody does.
    """

    netns: str
    hostname: str
    root: str | None
    services: list[list[str]]
    environment: dict[str, str]
    log: str
    binds: list[list[str]]
    boot_id: str
    wsl_boot: bool = False
    silent: bool = False
    ports: str | None = None


def main() -> None:
    """Starts the machine that the first argument (a JSON file of `Boot`) describes."""
    boot = Boot(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    log = os.open(boot.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    descriptor = os.open(boot.netns, os.O_RDONLY)
    syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
    os.close(descriptor)
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWUTS)
    ready, told = os.pipe()
    pid = os.fork()
    if pid:
        os.close(told)
        if os.read(ready, 1) != b"!":
            raise SystemExit(f"{boot.hostname} did not boot, see {boot.log}")
        sys.stdout.write(f"{pid}\n")
        return
    os.close(ready)
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    _run(boot, log, told)


def _run(boot: Boot, log: int, told: int) -> None:
    socket.sethostname(boot.hostname)
    if boot.ports is not None:
        seccomp.hand_over(boot.ports)
    _build_view(boot)
    # sigtimedwait only sees what is blocked.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    services = Services(boot, log)
    signal.signal(signal.SIGTERM, lambda *_: _shut_down())
    signal.signal(signal.SIGUSR1, lambda *_: services.stop())
    signal.signal(signal.SIGUSR2, lambda *_: services.start())
    if Path(_INTERFACES).exists() and Path(_IFUP).exists():
        # What Debian's networking.service does, ordered before the network is used.
        Path("/run/network").mkdir(exist_ok=True)
        services.wait(services.spawn([_IFUP, "-a"]))
    if not boot.silent:
        services.start()
    if boot.wsl_boot and (command := wsl_conf.value(Path("/etc/wsl.conf"), "boot", "command")):
        # WSL hands this value to a shell too; it is the user's own text on the user's own machine.
        services.spawn(["/bin/sh", "-c", command])
    os.write(told, b"!")
    os.close(told)
    while True:
        signal.sigtimedwait({signal.SIGCHLD}, 60.0)
        services.reap()


class Services:
    """The running services of this machine, by position in `Boot.services`."""

    def __init__(self, boot: Boot, log: int) -> None:
        self._boot = boot
        self._log = log
        self._pids: dict[int, int] = {}

    def spawn(self, argv: list[str]) -> int:
        """Starts a program in a session of its own, its output in the machine's log."""
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, self._log, 1),
            (os.POSIX_SPAWN_DUP2, self._log, 2),
        ]
        return os.posix_spawn(
            argv[0], argv, self._boot.environment, file_actions=actions, setsid=True, setsigmask=()
        )

    def wait(self, pid: int) -> None:
        """Waits for a program to end, for a while; what it leaves running is nobody's here."""
        deadline = time.monotonic() + _NETWORKING_TIMEOUT_S
        while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.01)

    def start(self) -> None:
        """Starts every service that is not running."""
        for position, argv in enumerate(self._boot.services):
            if position not in self._pids:
                self._pids[position] = self.spawn(argv)

    def stop(self) -> None:
        """Ends the services themselves; sessions they have forked stay."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGTERM)

    def reap(self) -> None:
        """Takes the exit of every ended child, orphans of the machine included."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._pids = {position: each for position, each in self._pids.items() if each != pid}


def _shut_down() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deadline = time.monotonic() + _STOP_GRACE_S
    number = int(signal.SIGTERM)
    while True:
        try:
            os.kill(-1, number)
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except (ProcessLookupError, ChildProcessError):
            break
        if time.monotonic() > deadline:
            break  # the kernel ends the rest together with process 1
        number = 0  # from here on only asks whether anyone is left
        time.sleep(0.01)
    os._exit(0)


def _build_view(boot: Boot) -> None:
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    root = boot.root or ""
    careful = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    if root:
        _make_dev(f"{root}/dev")
        for name, mode in (("run", "0755"), ("tmp", "1777")):
            syscalls.mount(
                name, f"{root}/{name}", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, f"mode={mode}"
            )
        (Path(root) / "run/sshd").mkdir(mode=0o755)
        (Path(root) / "run/lock").mkdir(mode=0o755)
        # sshd records its terminals there, if it exists, and `who` reads it by its old name.
        (Path(root) / "run/utmp").touch(mode=0o664)
        if boot.wsl_boot:
            # What all distributions share (wsl-facts 2.2); everybody may write there.
            shared = Path(root) / "mnt/wsl"
            shared.mkdir(parents=True, exist_ok=True)
            syscalls.mount("none", str(shared), "tmpfs", 0, "mode=1777")
    for source, target in boot.binds:
        _bind(Path(source), Path(root + target))
    syscalls.mount("proc", f"{root}/proc", "proc", careful)
    syscalls.mount("sysfs", f"{root}/sys", "sysfs", careful)
    _protect_kernel(f"{root}/proc/sys")
    boot_id = Path(boot.log).with_name(f".{boot.boot_id}")
    boot_id.write_text(f"{boot.boot_id}\n", encoding="utf-8")
    syscalls.bind(str(boot_id), f"{root}/proc/sys/kernel/random/boot_id")
    boot_id.unlink()
    if root:
        syscalls.change_root(root)


def _make_dev(dev: str) -> None:
    syscalls.mount("dev", dev, "tmpfs", syscalls.MS_NOSUID, "mode=0755")
    os.umask(0)
    for name, (major, minor) in _DEVICES.items():
        os.mknod(f"{dev}/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
    for name in ("pts", "shm", "net"):
        Path(dev, name).mkdir(mode=0o755)
    os.mknod(f"{dev}/net/tun", stat.S_IFCHR | 0o666, os.makedev(*_TUN))
    syscalls.mount(
        "devpts", f"{dev}/pts", "devpts", syscalls.MS_NOSUID, "newinstance,ptmxmode=0666,mode=0620,gid=5"
    )
    syscalls.mount("shm", f"{dev}/shm", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=1777")
    for name, target in (
        ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
    ):  # fmt: skip
        Path(dev, name).symlink_to(target)
    os.umask(0o022)


def _protect_kernel(sysctls: str) -> None:
    """Leaves a machine its own network keys and takes from it those that are this host's."""
    bound = syscalls.MS_BIND | syscalls.MS_REMOUNT
    syscalls.bind(sysctls, sysctls)
    syscalls.mount("none", sysctls, None, bound | syscalls.MS_RDONLY)
    syscalls.bind(f"{sysctls}/net", f"{sysctls}/net")
    syscalls.mount("none", f"{sysctls}/net", None, bound)


def _bind(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    syscalls.bind(str(source), str(target))


if __name__ == "__main__":
    main()
