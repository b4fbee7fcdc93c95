"""wsl.exe: one run of it, from the argument vector to bytes and exit code (wsl-facts 2.4).

Own text is UTF-16LE without BOM unless WSL_UTF8=1, errors go to stdout, warnings to stderr; Linux output
passes as it is. Each run is written to the call log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CallLog, Identity, NativeOutcome
from wslnet_lab.host.hardware import HardwareError
from wslnet_lab.host.wsl.arguments import Order, parse_arguments
from wslnet_lab.host.wsl.distros import Registered, registered
from wslnet_lab.host.wsl.failure import WslFailure, no_distro
from wslnet_lab.host.wsl.messages import Message, say
from wslnet_lab.host.wsl.mode import version_numbers
from wslnet_lab.host.wsl.startup import start_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.wsl.lifecycle import WslLife

FAILED = 0xFFFFFFFF  # -1: what wsl.exe ends with whenever it fails itself
_NAME_GAP = 4
_STATE_WIDTH = 16


class WslClient:
    """The program wsl.exe of one Windows."""

    def __init__(self, state: MachineState, life: WslLife, log: CallLog) -> None:
        self._state = state
        self._life = life
        self._log = log

    def run(
        self,
        argv: tuple[str, ...],
        *,
        identity: Identity,
        environment: Mapping[str, str],
        stdin: bytes | Streams,
    ) -> NativeOutcome:
        """Runs `argv` (with the program name) as `identity` and waits for it."""
        variables = {name.upper(): value for name, value in environment.items()}
        one_run = _Run(self._state, self._life, identity, variables, stdin)
        error_id = None
        try:
            outcome = one_run.act(parse_arguments(argv[1:]))
        except WslFailure as failure:
            error_id = failure.code or failure.message.kind
            outcome = one_run.failed(failure)
        self._log.write(
            {
                "kind": "wsl",
                "identity": identity.user,
                "configuration": None,
                "commands": [],
                "argv": list(argv),
                "error_id": error_id,
                "state": "Completed" if outcome.exit_code != FAILED else "Failed",
                "exit_code": outcome.exit_code,
            }
        )
        return outcome


class _Run:
    def __init__(
        self,
        state: MachineState,
        life: WslLife,
        identity: Identity,
        variables: Mapping[str, str],
        stdin: bytes | Streams,
    ) -> None:
        self._state = state
        self._life = life
        self._identity = identity
        self._utf8 = variables.get("WSL_UTF8") == "1"
        self._silent = variables.get("WSL_DISABLE_WARNINGS") == "1"
        self._stdin = stdin

    def act(self, order: Order) -> NativeOutcome:
        if order.verb == "version":
            return self._said(Message("version", self._versions()))
        if self._identity.system:
            raise WslFailure(Message("local-system"), "Wsl/Service/WSL_E_LOCAL_SYSTEM_NOT_SUPPORTED")
        acts = {
            "run": self._run,
            "list": self._list,
            "status": self._status,
            "shutdown": self._shutdown,
            "terminate": self._terminate,
            "update": self._update,
        }
        try:
            return acts[order.verb](order)
        except HardwareError as error:
            raise start_failure(error) from error

    def failed(self, failure: WslFailure) -> NativeOutcome:
        lines = [failure.message]
        if failure.code:
            lines.append(Message("error-code", (failure.code,)))
        return NativeOutcome(FAILED, b"".join(self._text(line) for line in lines), b"")

    # ---- verbs -------------------------------------------------------------------------------------

    def _run(self, order: Order) -> NativeOutcome:
        distro = self._find(order.distro)
        with self._life.client(distro):
            warnings = self._life.start(distro)
            user = order.user or self._default_user(distro)
            result = self._life.execute(_linux_argv(order), user, self._stdin)
        stderr = b"" if self._silent else b"".join(self._text(text, prefix="wsl: ") for text in warnings)
        return NativeOutcome(result.exit_code, result.stdout, stderr + result.stderr)

    def _list(self, order: Order) -> NativeOutcome:
        distros = registered(self._state, self._identity.sid)
        if not distros:
            raise WslFailure(Message("no-default-distro"))
        running = self._running()
        quiet = "--quiet" in order.flags
        if "--running" in order.flags:
            distros = tuple(distro for distro in distros if distro.name.lower() in running)
            if not distros and not quiet:
                raise WslFailure(Message("none-running"))
        if quiet:
            return self._lines([distro.name for distro in distros])
        if "--verbose" in order.flags:
            return self._lines(_table(distros, running))
        culture = self._state.culture()
        names = [
            say(Message("list-default", (distro.name,)), culture) if distro.default else distro.name
            for distro in distros
        ]
        return self._lines([say(Message("list-header"), culture), *names])

    def _status(self, order: Order) -> NativeOutcome:
        del order
        distros = registered(self._state, self._identity.sid)
        messages = [Message("status-distro", (distros[0].name,))] if distros else []
        messages.append(Message("status-version", ("2",)))
        if not self._state.settings.wsl1:
            messages.append(Message("status-no-wsl1"))
        return self._said(*messages)

    def _shutdown(self, order: Order) -> NativeOutcome:
        # Another user's machine is untouched (wsl-facts 2.4); this hardware has only the owner's.
        if self._is_owner():
            self._life.shutdown(force="--force" in order.flags)
        return NativeOutcome(0, b"", b"")

    def _terminate(self, order: Order) -> NativeOutcome:
        self._life.terminate(self._find(order.distro))
        return self._said(Message("done"))

    def _update(self, order: Order) -> NativeOutcome:
        own = self._state.settings
        newest = own.wsl_prerelease if "--pre-release" in order.flags else own.wsl_newest
        if not self._identity.admin:
            raise WslFailure(Message("not-elevated"), "Wsl/UpdatePackage/E_ACCESSDENIED")
        if version_numbers(newest) <= version_numbers(own.wsl_version or "0"):
            return self._said(Message("up-to-date"))
        # The installer ends the service, and with it WSL.
        self._life.shutdown(force=True)
        self._state.update_wsl(newest)
        return self._said(Message("updating", (newest,)))

    # ---- parts -------------------------------------------------------------------------------------

    def _find(self, name: str | None) -> Registered:
        distros = registered(self._state, self._identity.sid)
        if name is None:
            if not distros:
                raise WslFailure(Message("no-default-distro"))
            return distros[0]
        found = next((distro for distro in distros if distro.name.lower() == name.lower()), None)
        if found is None:
            raise no_distro()
        return found

    def _running(self) -> frozenset[str]:
        return self._life.running_distros() if self._is_owner() else frozenset()

    def _is_owner(self) -> bool:
        return self._identity.sid == self._state.settings.owner_sid

    def _default_user(self, distro: Registered) -> str:
        if distro.default_uid == 0:
            return "root"
        known = {each.name.lower(): each.default_user for each in self._state.settings.distros}
        return known.get(distro.name.lower(), "root")

    def _versions(self) -> tuple[str, ...]:
        own = self._state.settings
        return (
            own.wsl_version or "",
            own.kernel_version,
            own.wslg_version,
            own.msrdc_version,
            own.direct3d_version,
            own.dxcore_version,
            f"10.0.{own.build}.{own.revision}",
        )

    def _said(self, *messages: Message) -> NativeOutcome:
        return NativeOutcome(0, b"".join(self._text(message) for message in messages), b"")

    def _lines(self, lines: list[str]) -> NativeOutcome:
        return NativeOutcome(0, b"".join(self._encode(line) for line in lines), b"")

    def _text(self, message: Message, *, prefix: str = "") -> bytes:
        return self._encode(prefix + say(message, self._state.culture()))

    def _encode(self, text: str) -> bytes:
        return (text + "\n").replace("\n", "\r\n").encode("utf-8" if self._utf8 else "utf-16-le")


def _linux_argv(order: Order) -> tuple[str, ...]:
    if not order.shell:
        return order.command
    # Without -e the words go through the user's login shell, as typed.
    return ("/bin/sh", "-l", "-c", " ".join(order.command)) if order.command else ("/bin/sh", "-l")


def _table(distros: tuple[Registered, ...], running: frozenset[str]) -> list[str]:
    width = max(len(distro.name) for distro in distros) + _NAME_GAP
    lines = [f"  {'NAME':<{width}}{'STATE':<{_STATE_WIDTH}}VERSION"]
    for distro in distros:
        state = "Running" if distro.name.lower() in running else "Stopped"
        mark = "*" if distro.default else " "
        lines.append(f"{mark} {distro.name:<{width}}{state:<{_STATE_WIDTH}}{distro.version}")
    return lines
