"""Unmodified pywinrm and pypsrp's WinRS against the Windows host's wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pypsrp.shell import Process, WinRS
from winrm.exceptions import InvalidCredentialsError, WSManFaultError

from wslnet_lab.host.wire.command_line import ShellSyntaxError, split_command_line

if TYPE_CHECKING:
    from conftest import Host


def test_a_shell_runs_many_commands(host: Host) -> None:
    with host.cmd() as protocol:
        shell = protocol.open_shell(codepage=65001, env_vars={"WSL_UTF8": "1"})
        for arguments in (["-l", "-v"], ["--shutdown"]):
            command = protocol.run_command(shell, "wsl.exe", arguments)
            stdout, stderr, code = protocol.get_command_output(shell, command)
            protocol.cleanup_command(shell, command)
            shown = json.loads(stdout)
            assert shown["argv"] == ["wsl.exe", *arguments]
            assert shown["env"] == {"WSL_UTF8": "1"}
            assert (stderr, code) == (b"complaint", 7)
        protocol.close_shell(shell)
    assert [(entry["kind"], entry["argv"], entry["exit_code"]) for entry in host.log()] == [
        ("winrs", ["wsl.exe", "-l", "-v"], 7),
        ("winrs", ["wsl.exe", "--shutdown"], 7),
    ]


def test_input_reaches_the_program(host: Host) -> None:
    with host.cmd() as protocol:
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "more.com")
        protocol.send_command_input(shell, command, "line 1\r\n")
        protocol.send_command_input(shell, command, "line 2\r\n", end=True)
        stdout, _, _ = protocol.get_command_output(shell, command)
        assert json.loads(stdout)["stdin"] == "line 1\r\nline 2\r\n"
        protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)


def test_pypsrp_runs_programs_on_the_connection_of_its_pools(host: Host) -> None:
    with host.wsman() as client, WinRS(client, codepage=65001, environment={"A": "b"}) as shell:
        process = Process(shell, "netsh.exe", ["interface", "portproxy", "show", "all"])
        process.invoke()
        assert json.loads(process.stdout)["argv"][1:] == ["interface", "portproxy", "show", "all"]
        assert process.rc == 7


def test_a_command_that_is_gone_is_a_fault(host: Host) -> None:
    with host.cmd() as protocol:
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "wsl.exe")
        protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
        with pytest.raises(WSManFaultError) as caught:
            protocol.get_command_output_raw(shell, command)
        assert caught.value.wsman_fault_code == 0x8033805B
        protocol.close_shell(shell)


def test_only_administrators_get_a_cmd_shell(host: Host) -> None:
    with host.cmd(username="guest") as protocol:
        with pytest.raises(WSManFaultError) as caught:
            protocol.open_shell()
        assert caught.value.wsman_fault_code == 5


def test_a_wrong_password_is_refused(host: Host) -> None:
    with host.cmd(password="wrong") as protocol, pytest.raises(InvalidCredentialsError):
        protocol.open_shell()


def test_a_line_for_cmd_itself_is_refused(host: Host) -> None:
    with host.cmd() as protocol:
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "wsl.exe", ["-l", "&", "calc.exe"])
        stdout, stderr, code = protocol.get_command_output(shell, command)
        assert (stdout, code) == (b"", 255)
        assert b"cmd.exe would act upon '&'" in stderr
        protocol.close_shell(shell)


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("", ()),
        ("wsl.exe  -l\t-v", ("wsl.exe", "-l", "-v")),
        (r'"C:\Program Files\WSL\wsl.exe" --status', (r"C:\Program Files\WSL\wsl.exe", "--status")),
        (r"a\b\\c", (r"a\b\\c",)),
        (r"say \"hi\"", ("say", '"hi"')),
        (r'"a\\" b', ("a\\", "b")),
        ('x""y ""', ("xy", "")),
        ('"a & b"', ("a & b",)),
    ],
)
def test_command_lines_split_as_windows_does(line: str, arguments: tuple[str, ...]) -> None:
    assert split_command_line(line) == arguments


@pytest.mark.parametrize("line", ["a & b", "a|b", "a > b", "a ^ b", 'echo "%PATH%"', "a\nb"])
def test_marks_of_the_shell_are_refused(line: str) -> None:
    with pytest.raises(ShellSyntaxError):
        split_command_line(line)
