"""The way into WSL by wsl.exe: agents, tunnels, a stopped distro. A stand-in on PATH runs things here."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from wslnet.errors import Unreachable
from wslnet.transport.pipe import after
from wslnet.transport.wsl_connection import WslConnection, WslStopped
from wslnet_linux_agent import bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wslnet.transport.tunnel import Tunnel

WSL = """#!/bin/sh
echo "$@" >> {log}
if [ "$1" = -l ]; then
    printf '  NAME    STATE    VERSION\\r\\n* Debian  {state}  2\\r\\n  Other   Running  2\\r\\n'
    exit 0
fi
[ "$1" = -d ] && shift 2
[ "$1" = -u ] && [ "$2" = root ] && [ "$3" = -e ] || exit 9
shift 3
exec "$@"
"""


@pytest.fixture
def wsl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Gives a function that puts wsl.exe on PATH, with the state of its distro; gives the log of its runs."""

    def install(state: str) -> Path:
        program = tmp_path / "wsl.exe"
        program.write_text(WSL.format(log=tmp_path / "log", state=state))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/local/bin:/usr/bin:/bin")
        return tmp_path / "log"

    return install


@pytest.fixture
def echo() -> Iterator[int]:
    """A port on loopback that gives everything back once, in capitals."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data.upper())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_nothing_that_a_windows_command_line_could_spoil_is_in_the_first_stage() -> None:
    assert not set('"\\\n%') & set(bundle.FIRST_STAGE)


@pytest.mark.parametrize("distro", ["Debian", "debian", None])
def test_an_agent_answers(wsl: Callable[[str], Path], distro: str | None) -> None:
    wsl("Running")
    connection = WslConnection("wsl", distro)
    with connection.open_agent() as agent:
        facts = agent.facts(["identity"], 20)
    identity = facts["identity"]
    assert isinstance(identity, dict)
    assert identity["python"]


def test_a_stopped_distro_is_not_started_though_another_runs(wsl: Callable[[str], Path]) -> None:
    log = wsl("Stopped")
    with (
        pytest.raises(WslStopped, match="WSL is not running"),
        WslConnection("wsl", "Debian").open_agent() as agent,
    ):
        agent.facts(["identity"], 5)
    assert log.read_text() == "-l -v\n"


def receive(tunnel: Tunnel, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += tunnel.recv(size - len(data))
    return data


def test_a_tunnel_carries_bytes_both_ways(wsl: Callable[[str], Path], echo: int) -> None:
    wsl("Running")
    tunnel = WslConnection("wsl", "Debian").open_tunnel("vm1", "127.0.0.1", echo, after(20))
    tunnel.settimeout(20)
    text = b"abc" * 100_000
    tunnel.send(text)
    assert receive(tunnel, len(text)) == text.upper()
    tunnel.settimeout(0.05)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        tunnel.recv(1)
    assert time.monotonic() - begun < 5
    tunnel.close()
    assert tunnel.recv(1) == b""


def test_a_tunnel_to_nobody_says_why(wsl: Callable[[str], Path]) -> None:
    wsl("Running")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        Unreachable, match=rf"wsl: cannot reach vm1 at 127\.0\.0\.1:{port}: Connection refused"
    ):
        WslConnection("wsl", "Debian").open_tunnel("vm1", "127.0.0.1", port, after(20))


def test_without_python_there_it_says_so(wsl: Callable[[str], Path], tmp_path: Path) -> None:
    wsl("Running")
    program = tmp_path / "python3"
    program.write_text("#!/bin/sh\necho no such thing >&2\nexit 127\n")
    program.chmod(0o755)
    with pytest.raises(Unreachable, match=r"wsl: wsl\.exe ended \(exit code 127\): no such thing"):
        WslConnection("wsl", "Debian").open_tunnel("vm1", "127.0.0.1", 1, after(20))
