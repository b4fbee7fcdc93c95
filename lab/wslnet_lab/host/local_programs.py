"""The programs that someone at this Windows itself can start: powershell.exe, wsl.exe, netsh.exe.

Their stand-ins hand over their streams on a socket. Who they are is the owner, elevated or not, or an
account of services, as the environment says; state, engine and log are those that remote sessions use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from wslnet_lab.attached import AttachedServer, Streams
from wslnet_lab.host.contract import Identity, Session
from wslnet_lab.host.engine.build import EngineSettings, build_engine, reading_of
from wslnet_lab.host.wire import call_entries
from wslnet_lab.host.wire.child_session import ChildSession
from wslnet_lab.host.wire.runspaces import Runspaces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wslnet_lab.host.contract import CallLog, Engine
    from wslnet_lab.host.machine import WindowsMachine
    from wslnet_lab.host.wire.settings import Settings

SYSTEM = Identity("SYSTEM", "S-1-5-18", admin=True, system=True)
LOCAL_SERVICE = Identity("LOCAL SERVICE", "S-1-5-19", admin=False)
SERVICES = {"system": SYSTEM, "local service": LOCAL_SERVICE}
"""The accounts that no person has, by what the environment of their processes says."""

CONFIGURATION = "local"
IDENTITY_VARIABLE = "WSLNET_LAB_IDENTITY"
LIMITED = "limited"
"""The value for the owner's filtered token: no administrator."""

_SERVER_SWITCHES = frozenset({"-s", "-server", "-servermode"})
_NO_SCRIPTS = 1


@dataclass(frozen=True, slots=True)
class LocalPrograms:
    """Runs them for whoever connects.

    Attributes:
        machine: The Windows.
        engine: What runs its commands.
        log: Its log.
        settings: Gives the wire's settings of now.
    """

    machine: WindowsMachine
    engine: Engine
    log: CallLog
    settings: Callable[[], Settings]

    @classmethod
    def of(cls, machine: WindowsMachine, log: CallLog, settings: Callable[[], Settings]) -> Self:
        """Those of a machine, with an engine made for its build."""
        own = machine.state.settings
        engine = build_engine(machine.registry, EngineSettings(reading_of(own.build), own.computer))
        return cls(machine, engine, log, settings)

    def serve(self, path: Path) -> AttachedServer:
        """Serves the socket of the stand-ins."""
        return AttachedServer(path, self.run)

    def run(self, request: dict[str, Any], streams: Streams) -> dict[str, Any]:
        """Runs one program to its end; gives its exit code."""
        argv = tuple(str(word) for word in request["argv"])
        environment: Mapping[str, str] = request["environment"]
        identity = self._identity(environment)
        if argv[0].lower() == "powershell.exe":
            return {"exit_code": self._powershell(argv, identity, streams)}
        outcome = self.machine.programs.run(argv, identity=identity, environment=environment, stdin=streams)
        self.log.write(call_entries.native(argv, identity, outcome.exit_code, "Completed", "local"))
        streams.say(outcome.stdout, outcome.stderr)
        return {"exit_code": outcome.exit_code}

    def _identity(self, environment: Mapping[str, str]) -> Identity:
        own = self.machine.state.settings
        given = environment.get(IDENTITY_VARIABLE, "").lower()
        if given in SERVICES:
            return SERVICES[given]
        return Identity(own.owner, own.owner_sid, admin=own.owner_admin and given != LIMITED)

    def _powershell(self, argv: tuple[str, ...], identity: Identity, streams: Streams) -> int:
        if not _SERVER_SWITCHES & {word.lower() for word in argv[1:]}:
            streams.say(b"", b"the lab's powershell.exe runs no scripts, only -s\r\n")
            return _NO_SCRIPTS

        def pool() -> Runspaces:
            settings = self.settings()
            session = Session(
                identity,
                CONFIGURATION,
                culture=settings.culture,
                lacking=settings.lacking,
                failing=settings.failing,
            )
            return Runspaces(session, self.engine, self.log, settings)

        return ChildSession(pool, self.settings, streams).serve()
