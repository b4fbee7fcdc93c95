"""Native programs over real WinRS, against the lab's server with scripted programs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from wslnet.errors import AuthenticationFailed, Unreachable
from wslnet.transport import winrs as runner_module
from wslnet.transport.winrs import WinrsRunner, command_line
from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError

if TYPE_CHECKING:
    from .conftest import Windows

WSL = "C:\\Program Files\\WSL\\wsl.exe"


def test_exit_code_output_and_environment(windows: Windows, runner: WinrsRunner) -> None:
    result = runner.run([WSL, "-d", "Ubuntu-22.04", "-e", "true"], timeout_s=10)
    assert (result.exit_code, result.stderr) == (4294967295, b"complaint")
    shown = json.loads(result.stdout)
    assert shown["argv"] == [WSL, "-d", "Ubuntu-22.04", "-e", "true"]
    assert shown["env"]["WSL_UTF8"] == "1"
    assert len(windows.log()) == 1


def test_standard_input_reaches_the_program(runner: WinrsRunner) -> None:
    result = runner.run(["wsl.exe", "-e", "cat"], timeout_s=10, stdin=b"hello")
    assert json.loads(result.stdout)["stdin"] == "hello"


def test_one_shell_serves_many_programs(windows: Windows, runner: WinrsRunner) -> None:
    windows.set(max_shells_per_user=1)
    for _ in range(3):
        runner.run(["wsl.exe", "-l"], timeout_s=10)
    assert len(windows.programs.seen) == 3


def test_a_program_that_does_not_end_is_left_at_the_deadline(windows: Windows, runner: WinrsRunner) -> None:
    windows.programs.delay_s = 4.0
    started = time.monotonic()
    with pytest.raises(WindowsAgentError) as late:
        runner.run(["wsl.exe", "--shutdown"], timeout_s=1.0)
    assert late.value.code == "timed-out"
    with pytest.raises(DeliveryUnknown):
        runner.run(["wsl.exe", "--shutdown"], timeout_s=1.0, changes=True)
    assert time.monotonic() - started < 6.0


def test_a_wrong_password_is_tried_once(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_shell = runner_module.Protocol.open_shell

    def counted(self: runner_module.Protocol, **options: object) -> str:
        opened.append("shell")
        return str(open_shell(self, **options))

    monkeypatch.setattr(runner_module.Protocol, "open_shell", counted)
    with pytest.raises(AuthenticationFailed):
        WinrsRunner(windows.endpoint(password="wrong")).run(["wsl.exe"], timeout_s=10)
    assert opened == ["shell"]


def test_a_change_whose_answer_is_lost_is_not_started_again(windows: Windows, runner: WinrsRunner) -> None:
    runner.run(["wsl.exe", "-l"], timeout_s=10)
    windows.set(operation_timeout_s=0.2)
    windows.programs.before_answer = windows.drop_answers
    with pytest.raises(DeliveryUnknown):
        runner.run(["wsl.exe", "--shutdown"], timeout_s=10, changes=True)
    assert [argv[-1] for argv in windows.programs.seen] == ["-l", "--shutdown"]
    windows.set(drop_receives=False)
    windows.programs.before_answer = lambda: None
    assert runner.run(["wsl.exe", "-l"], timeout_s=10).exit_code == 4294967295


def test_a_held_program_runs_beside_others_until_close(windows: Windows, runner: WinrsRunner) -> None:
    windows.set(max_shells_per_user=1)
    windows.programs.delay_s = 0.3
    started = time.monotonic()
    runner.hold(["wsl.exe", "-e", "sleep", "600"])
    assert time.monotonic() - started < 0.3
    runner.run(["wsl.exe", "-l"], timeout_s=10)
    assert {argv[-1] for argv in windows.programs.seen} == {"600", "-l"}
    runner.close()
    with pytest.raises(WindowsAgentError, match="cannot be passed"):
        runner.hold(["wsl.exe", "a & b"])


def test_a_held_program_is_started_again_when_the_shell_was_gone(
    windows: Windows, runner: WinrsRunner
) -> None:
    runner.run(["wsl.exe", "-l"], timeout_s=10)
    windows.set(shells_gone_after=0)
    runner.hold(["wsl.exe", "-e", "sleep", "600"])
    deadline = time.monotonic() + 5  # nobody asks for its output, so it starts a moment later
    while len(windows.programs.seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [argv[-1] for argv in windows.programs.seen] == ["-l", "600"]


def test_idle_connection_is_made_anew(
    windows: Windows, runner: WinrsRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows.set(idle_close_s=0.2)
    monkeypatch.setattr(runner_module, "FRESH_FOR_S", 0.4)
    runner.run(["wsl.exe", "-l"], timeout_s=10)
    time.sleep(0.7)
    assert runner.run(["wsl.exe", "-l"], timeout_s=10).stdout


def test_lost_shell_and_wrong_password_are_clear(windows: Windows, runner: WinrsRunner) -> None:
    runner.run(["wsl.exe", "-l"], timeout_s=10)
    windows.set(shells_gone=True)
    with pytest.raises(Unreachable, match="shell"):
        runner.run(["wsl.exe", "-l"], timeout_s=10)
    windows.set(shells_gone=False)
    assert runner.run(["wsl.exe", "-l"], timeout_s=10).stdout
    with pytest.raises(AuthenticationFailed, match="refuses owner"):
        WinrsRunner(windows.endpoint(password="wrong")).run(["wsl.exe"], timeout_s=10)


@pytest.mark.parametrize(
    "word", ["a&b", "a|b", "%PATH%", 'a"b', "a b", "^", "!x!", "a\nb", "", "a>b", "`a", "$(x)"]
)
def test_words_that_cmd_would_read_otherwise_are_refused(word: str) -> None:
    with pytest.raises(WindowsAgentError) as refused:
        command_line(["wsl.exe", "-d", word])
    assert refused.value.code == "bad-op"


def test_one_path_is_quoted_and_no_other_program_name() -> None:
    assert command_line([WSL, "-l"]) == (f'"{WSL}"', ["-l"])
    for program in ('C:\\a"b.exe', "C:\\a & b", "wsl.exe & calc"):
        with pytest.raises(WindowsAgentError):
            command_line([program])
