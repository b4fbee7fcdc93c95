"""When WSL on paper stops by itself, who holds it, and who starts it again."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.hardware import LinuxOutcome
from wslnet_lab.host.local_session import LocalSession
from wslnet_lab.host.wsl.config import parse_config
from wslnet_lab.host.wsl.idle import Due, IdleClock, IdleTimes
from wslnet_lab.host.wsl.messages import _CHINESE, _ENGLISH, Message, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOBODY: tuple[str, ...] = ()
TIMES = IdleTimes()


# ---- the clock -----------------------------------------------------------------------------------------


def test_a_distro_is_due_15_s_after_its_last_client_and_the_machine_60_s_later() -> None:
    clock = IdleClock()
    with clock.client("debian"):
        assert clock.due(["debian"], NOBODY, TIMES, 100.0) == Due()
        assert clock.due(["debian"], NOBODY, TIMES, 900.0) == Due()
    assert clock.due(["debian"], NOBODY, TIMES, 900.0) == Due()
    assert clock.due(["debian"], NOBODY, TIMES, 914.9) == Due()
    assert clock.due(["debian"], NOBODY, TIMES, 915.0) == Due(("debian",))
    assert clock.due([], NOBODY, TIMES, 915.0) == Due()
    assert clock.due([], NOBODY, TIMES, 974.9) == Due()
    assert clock.due([], NOBODY, TIMES, 975.0) == Due(machine=True)


def test_a_short_client_between_two_looks_counts() -> None:
    clock = IdleClock()
    assert clock.due(["debian"], NOBODY, TIMES, 0.0) == Due()
    with clock.client("debian"):
        pass
    assert clock.due(["debian"], NOBODY, TIMES, 15.0) == Due()
    assert clock.due(["debian"], NOBODY, TIMES, 30.0) == Due(("debian",))


def test_each_distro_has_its_own_time_and_one_holds_the_machine() -> None:
    clock = IdleClock()
    with clock.client("ubuntu"):
        clock.due(["debian", "ubuntu"], NOBODY, TIMES, 0.0)
        assert clock.due(["debian", "ubuntu"], NOBODY, TIMES, 20.0) == Due(("debian",))
        assert clock.due(["ubuntu"], NOBODY, TIMES, 200.0) == Due()
    assert clock.due(["debian"], ["debian"], TIMES, 1000.0) == Due()


def test_a_new_machine_is_not_idle_from_before() -> None:
    clock = IdleClock()
    clock.due(["debian"], NOBODY, TIMES, 0.0)
    clock.forget()
    assert clock.due(["debian"], NOBODY, TIMES, 1000.0) == Due()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", IdleTimes(15000, 60000)),
        ("[general]\ninstanceIdleTimeout=-1\n", IdleTimes(-1, 60000)),
        ("[wsl2]\nvmIdleTimeout=500\n[general]\ninstanceIdleTimeout=0x10\n", IdleTimes(16, 500)),
        ("[wsl2]\nvmIdleTimeout=soon\n", IdleTimes(15000, 60000)),
    ],
)
def test_times_are_those_of_the_file(text: str, expected: IdleTimes) -> None:
    assert IdleTimes.of(parse_config(text.encode(), ".wslconfig", (2, 6, 1))) == expected


def test_a_faster_clock_does_not_end_what_stays_for_ever() -> None:
    assert IdleTimes(-1, 60000).faster(10) == IdleTimes(-1, 6000)
    clock = IdleClock()
    clock.due(["debian"], NOBODY, IdleTimes(-1, 0), 0.0)
    assert clock.due(["debian"], NOBODY, IdleTimes(-1, 0), 1e9) == Due()


# ---- the machine ---------------------------------------------------------------------------------------


class Desk(LocalSession):
    """One Windows on paper whose user has no terminal open."""

    def __init__(self, folder: Path, **settings: object) -> None:
        (folder / "windows.json").write_text(json.dumps({"user_terminal": False, **settings}), "utf-8")
        super().__init__(folder)

    def wsl(self, *arguments: str) -> bytes:
        return self.native(r"C:\Program Files\WSL\wsl.exe", *arguments).stdout

    def states(self, *times: float) -> list[tuple[bool, bytes]]:
        """Whether the machine runs, and which distributions, after a look at each time."""
        found = []
        for now in times:
            self.windows.wsl.end_idle(now)
            found.append((self.hardware.wsl.running, self.wsl("-l", "-q", "--running")))
        return found


def test_wsl_ends_in_two_steps_when_nobody_uses_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.wsl("-d", "Debian", "-e", "true")
    assert desk.states(0.0, 14.0, 16.0, 75.0, 77.0) == [
        (True, b"Debian\r\n"),
        (True, b"Debian\r\n"),
        (True, b""),
        (True, b""),
        (False, b""),
    ]


def test_the_users_terminal_holds_it_until_it_is_closed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, user_terminal=True)
    desk.wsl("-e", "true")
    assert desk.states(0.0, 1000.0)[-1] == (True, b"Debian\r\n")
    (tmp_path / "faults.json").write_text('{"faults": ["user-terminal-closed"]}')
    assert desk.states(1001.0, 1017.0, 1078.0)[-1] == (False, b"")


def test_an_open_client_holds_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    inside, leave = threading.Event(), threading.Event()

    def sleeping(_argv: Sequence[str], _user: str, _stdin: bytes) -> LinuxOutcome:
        inside.set()
        assert leave.wait(10)
        return LinuxOutcome(0, b"", b"")

    desk.hardware.linux = sleeping
    client = threading.Thread(target=desk.wsl, args=("-d", "Debian", "-e", "sleep", "infinity"))
    client.start()
    assert inside.wait(10)
    desk.windows.wsl.end_idle(0.0)
    desk.windows.wsl.end_idle(1000.0)
    assert desk.wsl("-l", "-q", "--running") == b"Debian\r\n"
    leave.set()
    client.join(10)
    assert desk.states(1000.0, 1016.0) == [(True, b"Debian\r\n"), (True, b"")]


def test_after_terminate_the_machine_waits_its_own_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.wsl("-e", "true")
    desk.wsl("--terminate", "Debian")
    assert desk.states(0.0, 59.0, 60.0) == [(True, b""), (True, b""), (False, b"")]


def test_a_resumed_windows_goes_on_with_the_times_of_the_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, idle_speed=10.0)
    desk.write_wslconfig("[general]\ninstanceIdleTimeout=30000\n")
    desk.wsl("-e", "true")
    desk.write_wslconfig("")  # read at the start of the machine only
    assert desk.states(0.0, 2.9, 3.0) == [(True, b"Debian\r\n"), (True, b"Debian\r\n"), (True, b"")]


def test_another_client_starts_it_right_after_a_shutdown_and_takes_the_warnings(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.wsl("-e", "true")
    (tmp_path / "faults.json").write_text('{"faults": ["wsl-restarted-by-other"]}')
    desk.write_wslconfig("[wsl2]\nnetworkingMode=mirrored\nnonsense=1\n")
    desk.wsl("--shutdown")
    deadline = time.monotonic() + 10
    while desk.hardware.wsl.mode != "mirrored" and time.monotonic() < deadline:
        time.sleep(0.01)
    start = desk.native("wsl.exe", "-d", "Debian", "-e", "true")
    assert (start.exit_code, start.stderr) == (0, b"")
    assert [mode for mode, _, _ in desk.hardware.started] == ["nat", "mirrored"]
    events = desk.run(
        "Get-WinEvent", {"FilterHashtable": {"LogName": "Application", "ProviderName": "WSL", "Id": 0}}
    )
    assert ["nonsense" in record.notes["Message"] for record in events.outputs] == [True]  # type: ignore[attr-defined]


# ---- texts -----------------------------------------------------------------------------------------------


def test_every_text_is_there_in_chinese_with_the_same_parts() -> None:
    parts = tuple(f"<{number}>" for number in range(7))
    assert _CHINESE.keys() == _ENGLISH.keys()
    for kind in _ENGLISH:
        message = Message(kind, parts)
        english, chinese = say(message, "en-US"), say(message, "zh-CN")
        assert {each for each in parts if each in english} == {each for each in parts if each in chinese}
        assert not chinese.isascii()


def test_status_in_both_languages(tmp_path: Path) -> None:
    desk = Desk(tmp_path, wsl1=False)
    english = desk.wsl("--status").decode().splitlines()
    assert english[:2] == ["Default Distribution: Debian", "Default Version: 2"]
    (tmp_path / "faults.json").write_text('{"faults": ["culture-zh-cn"]}')
    chinese = desk.wsl("--status").decode().splitlines()
    assert chinese[:3] == ["默认分发: Debian", "默认版本: 2", "当前计算机配置不支持 WSL1。"]
    assert len(english) == len(chinese) == 4


def test_refusals_and_errors_in_chinese_keep_their_symbols(tmp_path: Path) -> None:
    desk = Desk(tmp_path, culture="zh-CN")
    said = desk.wsl("-d", "Nothing", "-e", "true").decode().splitlines()
    assert said[0].startswith("不存在")
    assert said[1].endswith("Wsl/Service/WSL_E_DISTRO_NOT_FOUND")
