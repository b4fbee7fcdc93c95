"""Native programs on a remote Windows (`wsl.exe`), by pywinrm's Protocol behind one small adapter.

WinRS hands the command line to cmd.exe, so only tokens of an allow-list go there, and one quoted path
(windows-facts 7). One shell for all commands; output by a receive loop of our own with a deadline.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from winrm.exceptions import WinRMOperationTimeoutError
from winrm.protocol import Protocol

from wslnet.errors import NeedsElevation
from wslnet.transport.library_logs import mute
from wslnet.transport.psrp_limits import MOST_BYTES, LimitError
from wslnet.transport.winrm_errors import Breakdown, BrokenError, explain
from wslnet.transport.winrm_limits import limit_protocol
from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError
from wslnet_win_agent.native import NativeResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.transport.winrm_endpoint import WinrmEndpoint

FRESH_FOR_S = 60.0
SHELL_IDLE = "PT600S"
"""A run may ask Windows nothing for minutes while VMs start, and WSL is held by a program in this shell."""
_TRANSPORTS = {
    "negotiate": "ntlm",
    "ntlm": "ntlm",
    "kerberos": "kerberos",
    "certificate": "certificate",
    "basic": "ssl",
}
"""pywinrm's names; its `ssl` is Basic over https, and its `negotiate` is not there without Kerberos."""

_UTF8_CODE_PAGE = 65001
_ENVIRONMENT = {"WSL_UTF8": "1"}
_OPERATION_TIMEOUT_S = 10
_CLEANUP_TIMEOUT_S = 3
_ATTEMPTS = 2
_TOKEN = re.compile(r"[A-Za-z0-9._:=\\/-]+")
_RIGHT = re.compile(r"\*S-1-[0-9-]+(?::\(OI\)\(CI\)(?:F|RX))?")
"""A SID, with or without rights, as icacls takes it; cmd.exe gives neither mark a meaning there."""

_PATH = re.compile(r"[A-Za-z]:\\[A-Za-z0-9._ ()\\-]+")
_UNSIGNED = 0xFFFFFFFF


class WinrsRunner:
    """Runs native programs on one WinRM endpoint; opened by its first command. One thread at a time."""

    def __init__(self, endpoint: WinrmEndpoint) -> None:
        mute("winrm", "spnego", "requests_ntlm")
        self._endpoint = endpoint
        self._protocol: Protocol | None = None
        self._shell: str | None = None
        self._used_at = 0.0

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """Run `argv` and wait for its end; see `NativeRunner`.

        Raises:
            Unreachable: no connection, or refused sign-in.
        """
        command, arguments = command_line(argv)
        deadline = time.monotonic() + timeout_s
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                result = self._attempt(command, arguments, stdin, deadline)
            except BrokenError as broken:
                found = broken.breakdown
                self._drop()
                if found.may_have_run and changes:
                    raise DeliveryUnknown(found.error.message) from broken
                if isinstance(found.error, NeedsElevation):
                    raise WindowsAgentError("not-permitted", found.error.message) from broken
                if not found.again or attempt == _ATTEMPTS or time.monotonic() >= deadline:
                    raise found.error from broken
                continue
            if result is not None:
                return result
            late = f"{self._endpoint.machine}: {argv[0]} did not end in time"
            raise DeliveryUnknown(late) if changes else WindowsAgentError("timed-out", late)
        raise AssertionError  # the last attempt returns or raises

    def hold(self, argv: Sequence[str]) -> None:
        """Start `argv` in the shell and leave it running until `close`; see `NativeRunner`.

        Raises:
            Unreachable: no connection, or refused sign-in.
        """
        command, arguments = command_line(argv)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                protocol, shell = self._open(time.monotonic() + _OPERATION_TIMEOUT_S)
                protocol.run_command(shell, command, arguments)
            except Exception as error:
                found = error.breakdown if isinstance(error, BrokenError) else explain(error, self._endpoint)
                self._drop()
                # Two that hold do no harm, so whether the first one runs does not matter.
                if not found.again or attempt == _ATTEMPTS:
                    raise found.error from error
            else:
                self._used_at = time.monotonic()
                return

    def close(self) -> None:
        """Delete the shell; a host that is gone keeps it until it is idle."""
        if self._protocol is not None and self._shell is not None:
            # Whatever the library raises here, the session is over.
            with suppress(Exception):
                self._limit(_CLEANUP_TIMEOUT_S)
                self._protocol.close_shell(self._shell)
        self._drop()

    def _attempt(
        self, command: str, arguments: list[str], stdin: bytes, deadline: float
    ) -> NativeResult | None:
        protocol, shell = self._open(deadline)
        begun = False
        try:
            self._limit(deadline - time.monotonic())
            command_id = protocol.run_command(shell, command, arguments, console_mode_stdin=not stdin)
            begun = True
            if stdin:
                protocol.send_command_input(shell, command_id, stdin, end=True)
            result = self._collect(protocol, shell, command_id, deadline)
        except Exception as error:
            found = explain(error, self._endpoint)
            raise BrokenError(replace(found, may_have_run=found.may_have_run or begun)) from error
        # What the program said is here; that Windows could not be told to forget it changes nothing.
        with suppress(Exception):
            self._limit(_CLEANUP_TIMEOUT_S)
            protocol.cleanup_command(shell, command_id)
        self._used_at = time.monotonic()
        return result

    def _collect(
        self, protocol: Protocol, shell: str, command_id: str, deadline: float
    ) -> NativeResult | None:
        """Receive until the program ends; None when it does not in time."""
        stdout = stderr = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._limit(left)
            try:
                out, err, code, done = protocol.get_command_output_raw(shell, command_id)
            except WinRMOperationTimeoutError:
                continue  # no output yet
            stdout, stderr = stdout + out, stderr + err
            if len(stdout) + len(stderr) > MOST_BYTES:
                raise LimitError("a program that says more than wslnet listens to")
            if done:
                return NativeResult(code & _UNSIGNED, stdout, stderr)

    def _open(self, deadline: float) -> tuple[Protocol, str]:
        if self._protocol is not None and self._shell is not None:
            if time.monotonic() - self._used_at > FRESH_FOR_S:
                _reset(self._protocol)
            return self._protocol, self._shell
        one = self._endpoint
        self._protocol = self._new_protocol()
        limit_protocol(self._protocol)
        self._limit(deadline - time.monotonic())
        try:
            self._shell = self._protocol.open_shell(
                codepage=_UTF8_CODE_PAGE, env_vars=_ENVIRONMENT, idle_timeout=SHELL_IDLE
            )
        except Exception as error:
            # Nothing has run yet, and a password that is refused must not be tried again.
            found = explain(error, one)
            raise BrokenError(Breakdown(found.error, may_have_run=False)) from error
        self._used_at = time.monotonic()
        return self._protocol, self._shell

    def _new_protocol(self) -> Protocol:
        one = self._endpoint
        return Protocol(
            endpoint=one.url,
            transport=_TRANSPORTS[one.auth],
            username=one.user,
            password=one.password,
            operation_timeout_sec=_OPERATION_TIMEOUT_S,
            read_timeout_sec=_OPERATION_TIMEOUT_S + 2,
            proxy=one.proxy,
            server_cert_validation="validate",
            ca_trust_path=one.certificate,
            cert_pem=one.client_certificate,
            cert_key_pem=one.client_certificate,
        )

    def _limit(self, left: float) -> None:
        """Bound the next request by what is left of the deadline."""
        if self._protocol is not None:
            seconds = max(1, min(_OPERATION_TIMEOUT_S, int(left)))
            self._protocol.operation_timeout_sec = seconds
            self._protocol.transport.read_timeout_sec = seconds + 2

    def _drop(self) -> None:
        if self._protocol is not None:
            _reset(self._protocol)
        self._protocol = self._shell = None


def command_line(argv: Sequence[str]) -> tuple[str, list[str]]:
    """Give the program, quoted if its path needs it, and its arguments.

    Raises:
        WindowsAgentError: `bad-op` for anything that cmd.exe could take for more than a word.
    """
    program, *arguments = argv
    for each in arguments:
        if not _TOKEN.fullmatch(each) and not _RIGHT.fullmatch(each):
            raise WindowsAgentError("bad-op", f"{each!r} cannot be passed to a program on Windows")
    if _TOKEN.fullmatch(program):
        return program, arguments
    if _PATH.fullmatch(program):
        return f'"{program}"', arguments
    raise WindowsAgentError("bad-op", f"{program!r} is not a program's path")


def _reset(protocol: Protocol) -> None:
    """Make pywinrm sign in anew on its next request; the shell on the other side stays."""
    protocol.transport.encryption = None
    protocol.transport.close_session()
