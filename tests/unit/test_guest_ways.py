"""The ways of a host into its VM beside the guest agent: its own SSH and the VM's console, over stand-ins.

`ssh` and `virsh` are small programs of the test; behind them is this machine's /bin/sh.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import wslnet_lab
from wslnet_linux_agent import ops_guest, ops_guest_channel
from wslnet_linux_agent.ops import Args, OpError

if TYPE_CHECKING:
    from collections.abc import Callable

GETTY = Path(wslnet_lab.__file__).parent / "standins/getty.py"
VIA_SSH = {"kind": "ssh", "user": "root", "address": "192.0.2.7", "as": "root"}
VIA_CONSOLE = {"kind": "console", "user": "root", "machine": "vm2"}
PASSWORD = "let me in"
CONNECTED = "print(\"Connected to domain 'vm2'\\nEscape character is ^] (Ctrl + ])\", flush=True)\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a Python program of a name before all others of that name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(name: str, text: str) -> None:
        (folder / name).write_text(f"#!{sys.executable} -IS\n{text}")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture
def console(program: Callable[[str, str], None], tmp_path: Path) -> Path:
    """`virsh console` with the lab's login behind it; gives the file of accounts."""
    accounts, getty = tmp_path / "accounts", tmp_path / "getty.py"
    accounts.write_text(f"root:{PASSWORD}\n")
    getty.write_text(GETTY.read_text().replace("/etc/lab-console", str(accounts)))
    relay = (
        "import os, pty, sys\n"
        f"{CONNECTED}"
        "def typed(fd):\n"
        "    data = os.read(fd, 4096)\n"
        "    if b'\\x1d' in data:\n"
        "        os._exit(0)\n"
        "    return data\n"
        f"log = open({str(tmp_path / 'transcript')!r}, 'ab', 0)\n"
        "def said(fd):\n"
        "    data = os.read(fd, 4096)\n"
        "    log.write(data)\n"
        "    return data\n"
        f"pty.spawn([{sys.executable!r}, {str(getty)!r}], said, typed)\n"
    )
    program("virsh", relay)
    return accounts


@pytest.fixture
def ssh(program: Callable[[str, str], None]) -> None:
    program("ssh", "import os\nos.execv('/bin/sh', ['/bin/sh'])\n")


def entered(via: dict[str, str], password: str | None = PASSWORD) -> None:
    ops_guest_channel.enter(Args({"domain": "vm2", "via": via, "password": password}))


def use(via: dict[str, str], tmp_path: Path) -> None:
    """Every thing that a way can do."""
    file = tmp_path / "a file"
    long = os.urandom(4000)
    with contextlib.closing(ops_guest_channel.opened("vm2", via)) as guest:
        assert guest.uid == os.getuid()
        assert guest.read(str(file)) is None
        guest.write(str(file), b"one\n", "a")
        guest.write(str(file), b"two", "a")
        assert file.read_bytes() == guest.read(str(file)) == b"one\ntwo"
        guest.write(str(file), long, "w")
        assert guest.read(str(file)) == long
        assert guest.run(["printf", "%s", "it's x3"]) == (0, b"it's x3")
        assert guest.run(["test", "-d", "/no such folder"])[0] == 1
        with pytest.raises(OpError, match="answered"):
            guest.write("/proc/no/file", b"x", "a")
    assert sorted(one.name for one in tmp_path.iterdir() if "wslnet" in one.name) == []


@pytest.mark.usefixtures("ssh")
def test_a_shell_over_the_host_s_own_ssh_reads_writes_and_runs(tmp_path: Path) -> None:
    use(VIA_SSH, tmp_path)


@pytest.mark.usefixtures("console")
def test_a_shell_over_the_console_reads_writes_and_runs_and_logs_out(tmp_path: Path) -> None:
    entered(VIA_CONSOLE)
    use(VIA_CONSOLE, tmp_path)
    transcript = (tmp_path / "transcript").read_bytes()
    assert transcript.endswith(b" login: ")
    assert PASSWORD.encode() not in transcript


def test_ssh_asks_nothing_and_trusts_nobody_new(program: Callable[[str, str], None], tmp_path: Path) -> None:
    said = "print(*sys.argv[1:], sep='\\n', file=open(f'{sys.argv[0]}.log', 'w'))\n"
    program("ssh", f"import sys\n{said}sys.exit('Warning\\nHost key verification failed.')\n")
    with pytest.raises(OpError, match=r"^ssh of root to root@192.0.2.7: Host key verification failed\.$"):
        ops_guest_channel.opened("vm2", VIA_SSH)
    arguments = (tmp_path / "bin/ssh.log").read_text().splitlines()
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no"} <= set(arguments)
    assert arguments[-3:] == ["--", "192.0.2.7", "/bin/sh"]
    with pytest.raises(OpError, match="needs user, address and as"):
        ops_guest_channel.opened("vm2", {**VIA_SSH, "address": "-oProxyCommand=x"})


@pytest.mark.parametrize(
    ("password", "why"),
    [("wrong", "the console refuses root"), (None, "wants a password of root, and none was given")],
)
@pytest.mark.usefixtures("console")
def test_a_console_that_refuses_is_one_line(password: str | None, why: str) -> None:
    entered(VIA_CONSOLE, password)
    with pytest.raises(OpError, match=f"^[^\n]*{why}$"):
        ops_guest_channel.opened("vm2", VIA_CONSOLE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sys.exit('error: cannot find character device <null>')", "the console: cannot find character"),
        (f"{CONNECTED}input()\nprint('root@vm2:~# ', end='', flush=True)\ninput()", "somebody is logged in"),
        (f"{CONNECTED}input()\nsys.exit()", "the console: it ended"),
    ],
)
def test_a_console_that_is_no_login_is_left_alone(
    program: Callable[[str, str], None], text: str, why: str
) -> None:
    # The terminal is raw: Enter is no line end there.
    program("virsh", f"import os, sys\ninput = lambda: os.read(0, 1)\n{text}\n")
    entered(VIA_CONSOLE)
    with pytest.raises(OpError, match=why):
        ops_guest_channel.opened("vm2", VIA_CONSOLE)


@pytest.mark.usefixtures("ssh")
def test_the_line_comes_and_goes_by_the_way_that_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "home/.ssh"
    folder.parent.mkdir()
    args = {"domain": "vm2", "folder": str(folder), "line": "ssh-ed25519 AAAA wslnet", "via": VIA_SSH}
    ops_guest.authorize(Args({**args, "uid": os.getuid(), "gid": os.getgid()}))
    file = folder / "authorized_keys"
    assert file.read_text() == "ssh-ed25519 AAAA wslnet\n"
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    ops_guest.deauthorize(Args({**args, "remove": True, "remove_folder": True}))
    assert not folder.exists()


def test_a_session_that_is_cut_off_is_one_line(program: Callable[[str, str], None], tmp_path: Path) -> None:
    program("ssh", "import os, sys\nos.execv('/bin/sh', ['sh', '-c', 'IFS= read -r a; eval \"$a\"'])\n")
    args = {"domain": "vm2", "folder": str(tmp_path), "line": "ssh-ed25519 AAAA wslnet", "via": VIA_SSH}
    with pytest.raises(OpError, match=r"^the session in vm2 was cut off: it ended$"):
        ops_guest.deauthorize(Args(args))


@pytest.mark.usefixtures("ssh")
def test_what_comes_between_is_not_taken_for_the_answer(program: Callable[[str, str], None]) -> None:
    program("base64", "print('aGFs\\n[   17.31] eth0: link becomes ready\\nbG8=')\n")
    with (
        contextlib.closing(ops_guest_channel.opened("vm2", VIA_SSH)) as shell,
        pytest.raises(OpError, match="something else was printed"),
    ):
        shell.read("/etc/hostname")
