"""wsl.exe for one who is no administrator: asked for by a file, run by the owner's task, answered so too."""

import os
import time
from pathlib import Path

import pytest

from wslnet.app.boot_call import serve_calls
from wslnet.transport.owners_programs import OwnersPrograms
from wslnet.transport.task_programs import TaskPrograms
from wslnet_win_agent.boot.call_files import Answer, Request, answer_name, request_name
from wslnet_win_agent.bridge import Reply
from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError
from wslnet_win_agent.native import NativeResult

from .owners_folder import WSL, FolderBridge, Programs

CALL = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "AppData"


def test_a_program_runs_with_its_input_and_gives_all_it_said(folder: Path) -> None:
    bridge = FolderBridge(folder, Programs(exit_code=-1))
    task = TaskPrograms("win", bridge)
    argv = (WSL, "-d", "Debian", "-u", "root", "-e", "true")
    result = task.run(argv, timeout_s=20, stdin=b"\x00in")
    again = task.run((WSL, "--shutdown"), timeout_s=20, changes=True)
    bridge.close()

    assert result == again == NativeResult(4294967295, b"\xffout", b"err")
    assert bridge.programs.asked == [argv, (WSL, "--shutdown")]
    assert bridge.programs.given == b"\x00in"
    assert list(folder.iterdir()) == []


def test_a_start_that_came_too_early_is_made_again(folder: Path) -> None:
    folder.mkdir()
    bridge = FolderBridge(folder, Programs())
    bridge.ignored_starts = 1
    assert TaskPrograms("win", bridge).run((WSL, "-l", "-v"), timeout_s=30).stdout == b"\xffout"
    bridge.close()

    assert bridge.starts == 2


def test_what_the_task_says_is_the_error_and_other_programs_do_not_run(folder: Path) -> None:
    error = WindowsAgentError("timed-out", "wsl.exe did not end in time")
    bridge = FolderBridge(folder, Programs(error=error))
    task = TaskPrograms("win", bridge)
    with pytest.raises(WindowsAgentError, match="did not end in time"):
        task.run((WSL, "--version"), timeout_s=20)
    with pytest.raises(WindowsAgentError, match="administrators only"):
        task.run(("C:\\Windows\\System32\\netsh.exe", "interface"), timeout_s=20)
    (folder / request_name(CALL)).write_bytes(Request(("C:\\Windows\\regedit.exe",), 5).to_bytes())
    serve_calls(folder, lambda: bridge.programs, bridge.probe, idle_s=0.3)
    answer = Answer.of((folder / answer_name(CALL)).read_bytes())
    bridge.close()

    assert bridge.programs.asked == [(WSL, "--version")]
    assert answer is not None
    assert answer.code == "not-permitted"


@pytest.mark.parametrize("taken", [False, True])
def test_a_change_without_an_answer(folder: Path, monkeypatch: pytest.MonkeyPatch, *, taken: bool) -> None:
    folder.mkdir()
    bridge = FolderBridge(folder, Programs())
    monkeypatch.setattr(bridge, "_start", Reply)
    if taken:
        write = Path.write_bytes
        monkeypatch.setattr(Path, "write_bytes", lambda self, data: (write(self, data), self.unlink())[0])
    # What nobody took is taken back and did not happen; what was taken may have.
    wanted = DeliveryUnknown if taken else WindowsAgentError
    with pytest.raises(wanted) as caught:
        TaskPrograms("win", bridge).run((WSL, "--shutdown"), timeout_s=0.5, changes=True)

    assert type(caught.value) is wanted
    assert list(folder.iterdir()) == []


def test_what_is_held_ends_with_the_session(folder: Path) -> None:
    bridge = FolderBridge(folder, Programs())
    task = TaskPrograms("win", bridge)
    task.hold((WSL, "-d", "Debian", "-u", "root", "-e", "sleep", "600"))
    held = bridge.programs.asked
    still = not bridge.programs.closed.wait(0.2)
    task.close()
    bridge.close()

    assert held[0][0] == "held"
    assert still
    assert bridge.programs.closed.is_set()


def test_a_request_of_long_ago_is_dropped(folder: Path) -> None:
    folder.mkdir()
    programs = Programs()
    for name in (request_name(CALL), answer_name(CALL)):
        (folder / name).write_bytes(Request((WSL, "--shutdown"), 5).to_bytes())
        long_ago = time.time() - 3600
        os.utime(folder / name, (long_ago, long_ago))
    (folder / "call-x.json").write_text("somebody else's")
    serve_calls(folder, lambda: programs, FolderBridge(folder, programs).probe, idle_s=0.2)

    assert programs.asked == []
    assert [each.name for each in folder.iterdir()] == ["call-x.json"]


def test_winrs_where_it_works_and_the_task_where_it_does_not(folder: Path) -> None:
    refused = WindowsAgentError("not-permitted", "WinRS: access denied")
    for winrs, way in (
        (Programs(), "winrs"),
        (Programs(exit_code=1), "task"),
        (Programs(error=refused), "task"),
    ):
        bridge = FolderBridge(folder, Programs())
        programs = OwnersPrograms("win", winrs, TaskPrograms("win", bridge))
        programs.run((WSL, "-l", "-v"), timeout_s=20)
        programs.run((WSL, "-l", "-q"), timeout_s=20)
        bridge.close()
        by_task = [(WSL, "-l", "-v"), (WSL, "-l", "-q")] if way == "task" else []

        assert bridge.programs.asked == by_task
        assert winrs.asked[:1] == [(WSL, "--version")]
        assert len(winrs.asked) == (3 if way == "winrs" else 1)


def test_without_the_task_it_says_who_makes_it(folder: Path) -> None:
    bridge = FolderBridge(folder, Programs(), task=False)
    refused = Programs(error=WindowsAgentError("not-permitted", "WinRS: access denied"))
    not_started = Programs(exit_code=1, stdout=b"")
    for winrs in (refused, not_started):
        with pytest.raises(WindowsAgentError, match="wslnet endpoint install --owner"):
            OwnersPrograms("win", winrs, TaskPrograms("win", bridge)).run((WSL, "-l"), timeout_s=20)
        assert winrs.asked == [(WSL, "--version")]
    inbox = Programs(exit_code=1)
    OwnersPrograms("win", inbox, TaskPrograms("win", bridge)).run((WSL, "-l"), timeout_s=20)

    assert inbox.asked[-1] == (WSL, "-l")


def test_the_look_is_the_answer_when_it_is_what_is_asked(folder: Path) -> None:
    bridge = FolderBridge(folder, Programs())
    winrs = Programs()
    programs = OwnersPrograms("win", winrs, TaskPrograms("win", bridge))
    asked = ((WSL, "--version"), (WSL, "-l"), (WSL, "--version"))
    said = {programs.run(argv, timeout_s=20).stdout for argv in asked}
    bridge.close()

    assert said == {b"\xffout"}
    assert winrs.asked == list(asked)
