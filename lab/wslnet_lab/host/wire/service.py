"""What the WS-Management service does with each action; transport and logon are done before it."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CallLog, Engine, Identity, NativePrograms, Session
from wslnet_lab.host.endpoint.failures import ConfigurationRefused, OpenFailed
from wslnet_lab.host.endpoint.registered import NotAdmitted
from wslnet_lab.host.wire import faults, replies, soap, traps, winrs_shell
from wslnet_lab.host.wire.faults import FaultError
from wslnet_lab.host.wire.psrp_shell import PsrpShell
from wslnet_lab.host.wire.runspaces import Runspaces
from wslnet_lab.host.wire.shells import Shell, ShellRecord, ShellTable
from wslnet_lab.host.wire.winrs_shell import WinRsShell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet_lab.host.endpoint.registered import Endpoints
    from wslnet_lab.host.wire.settings import Settings

POWERSHELL = "http://schemas.microsoft.com/powershell/"
_CREATION = "rsp:Shell/{http://schemas.microsoft.com/powershell}creationXml"
_ENVELOPE_ROOM = 2048
"""What a ReceiveResponse takes beside its streams, at most."""


class DropConnectionError(Exception):
    """The server breaks the connection instead of answering (a trap)."""


class Service:
    """The WS-Management service of one Windows."""

    def __init__(
        self,
        engine: Engine,
        programs: NativePrograms,
        log: CallLog,
        settings: Callable[[], Settings],
        endpoints: Endpoints | None = None,
    ) -> None:
        """Takes what runs cmdlets and programs, the log, the settings of now, registered configurations."""
        self._engine = engine
        self._programs = programs
        self._log = log
        self._settings = settings
        self._endpoints = endpoints
        self._shells = ShellTable()
        self._traps = traps.Traps()
        self._active: Counter[str] = Counter()
        self._active_lock = threading.Lock()
        self._actions = {
            "Create": self._create,
            "Get": self._get,
            "Delete": self._delete,
            "Command": self._command,
            "Send": self._send,
            "Receive": self._receive,
            "Signal": self._signal,
        }

    def close(self) -> None:
        """Closes all shells."""
        self._shells.remove_all()

    def refuses_logons(self) -> bool:
        """Whether a trap has every logon refused now."""
        settings = self._settings()
        self._traps.watch(settings)
        return settings.unauthorized or self._traps.holds(traps.UNAUTHORIZED)

    def answer(self, request: soap.Request, identity: Identity) -> tuple[bool, str]:
        """The reply to a request: whether it is a fault, and its envelope.

        Raises DropConnectionError when the connection shall break instead.
        """
        settings = self._settings()
        try:
            with self._counted(identity, settings):
                return False, self._dispatch(request, identity, settings)
        except FaultError as error:
            return True, faults.fault_reply(request, error, settings.host_name)
        except binascii.Error:
            return True, faults.fault_reply(request, FaultError(faults.INVALID_REQUEST), settings.host_name)

    @contextmanager
    def _counted(self, identity: Identity, settings: Settings) -> Iterator[None]:
        """Counts the user's operations under way against the quota."""
        with self._active_lock:
            if self._active[identity.user] >= settings.max_operations_per_user:
                raise FaultError(faults.OPERATION_QUOTA, str(settings.max_operations_per_user))
            self._active[identity.user] += 1
        try:
            yield
        finally:
            with self._active_lock:
                self._active[identity.user] -= 1

    def _dispatch(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        if request.body.find(f"{{{soap.IDENTITY}}}Identify") is not None:
            return soap.reply(request, replies.identity(settings), action=f"{soap.IDENTITY}/IdentifyResponse")
        self._traps.watch(settings)
        if settings.shells_gone or self._traps.springs(traps.SHELLS_GONE):
            self._shells.remove_all()
        action = self._actions.get(request.action.rpartition("/")[2])
        if action is None:
            raise FaultError(faults.UNSUPPORTED)
        return soap.reply(request, action(request, identity, settings))

    def _create(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        node = request.find("rsp:Shell")
        names = {"rsp": soap.SHELL}
        if node is None:
            raise FaultError(faults.INVALID_REQUEST)
        idle = soap.seconds(
            node.findtext("rsp:IdleTimeOut", "", names), default=settings.shell_idle_timeout_s
        )
        record = ShellRecord(
            shell_id=(node.get("ShellId") or str(uuid.uuid4())).upper(),
            resource=request.resource,
            owner=identity,
            client=request.client,
            idle_timeout_s=idle,
            input_streams=node.findtext("rsp:InputStreams", "stdin", names),
            output_streams=node.findtext("rsp:OutputStreams", "stdout stderr", names),
            culture=settings.culture,
        )
        if request.resource == winrs_shell.RESOURCE:
            shell: Shell = self._winrs(request, record)
            self._shells.add(shell, settings)
            return replies.created(shell, request)
        pool = self._psrp(request, record, settings)
        self._shells.add(pool, settings)
        pool.open(base64.b64decode(request.body.findtext(_CREATION, "", names) or ""))
        return replies.created(pool, request)

    def _winrs(self, request: soap.Request, record: ShellRecord) -> WinRsShell:
        """A cmd shell; only administrators get one (windows-facts 5, 6)."""
        if not record.owner.admin:
            raise FaultError(faults.ACCESS_DENIED)
        variables = request.find_all("rsp:Shell/rsp:Environment/rsp:Variable")
        environment = {variable.get("Name", ""): variable.text or "" for variable in variables}
        return WinRsShell(record, self._programs, self._log, environment)

    def _psrp(self, request: soap.Request, record: ShellRecord, settings: Settings) -> PsrpShell:
        """A runspace pool under the session configuration that the resource names."""
        if not (record.owner.admin or settings.loopback_for_others) and _is_loopback(record.client):
            raise FaultError(faults.ACCESS_DENIED)
        name = request.resource.removeprefix(POWERSHELL).partition("?")[0]
        own = self._registered(name, record, settings) if request.resource.startswith(POWERSHELL) else None
        if own is not None:
            return own
        known = (*settings.configurations, *settings.no_language_configurations)
        configuration = next((entry for entry in known if entry.lower() == name.lower()), None)
        if not request.resource.startswith(POWERSHELL) or configuration is None:
            raise FaultError(faults.NO_SUCH_CONFIGURATION, name, settings.host_name)
        restricted = settings.no_language or configuration in settings.no_language_configurations
        session = Session(
            record.owner, configuration, restricted, settings.culture, settings.lacking, settings.failing
        )
        return PsrpShell(record, Runspaces(session, self._engine, self._log, settings))

    def _registered(self, name: str, record: ShellRecord, settings: Settings) -> PsrpShell | None:
        """A pool under a configuration that a file registered; None when there is none of that name."""
        session = Session(record.owner, name, culture=settings.culture, lacking=settings.lacking)
        try:
            opened = self._endpoints.open(name, session) if self._endpoints is not None else None
        except NotAdmitted as error:
            raise FaultError(faults.ACCESS_DENIED) from error
        except (ConfigurationRefused, OpenFailed) as error:
            # How a real one says this over WSMan is not known (jea-facts H).
            raise FaultError(faults.INVALID_REQUEST) from error
        if opened is None:
            return None
        return PsrpShell(record, Runspaces(opened.session, opened.engine, self._log, settings))

    def _get(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        if request.resource == soap.SHELL:
            return replies.describe(self._shells.find(request.shell_id, identity))
        if request.resource.endswith("/wsman/1/config"):
            return replies.config(settings)
        raise FaultError(faults.UNSUPPORTED)

    def _delete(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        del settings
        self._shells.remove(self._shells.find(request.shell_id, identity))
        return ""

    def _command(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        command_id = self._shells.find(request.shell_id, identity).command(request, settings)
        self._traps.count_command()
        return f"<rsp:CommandResponse>{soap.tag('CommandId', command_id)}</rsp:CommandResponse>"

    def _send(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        del settings
        shell = self._shells.find(request.shell_id, identity)
        for stream in request.find_all("rsp:Send/rsp:Stream"):
            end = stream.get("End", "").lower() == "true"
            data = base64.b64decode(stream.text or "")
            shell.send(stream.get("Name", "stdin"), data, stream.get("CommandId"), end=end)
        return "<rsp:SendResponse/>"

    def _receive(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        shell = self._shells.find(request.shell_id, identity)
        desired = request.find("rsp:Receive/rsp:DesiredStream")
        if desired is None:
            raise FaultError(faults.INVALID_REQUEST)
        command_id = desired.get("CommandId")
        outbox = shell.outbox(command_id)
        if settings.drop_receives or self._traps.springs(traps.DROP_RECEIVE):
            raise DropConnectionError
        if self._traps.holds(traps.SILENT):
            time.sleep(settings.silence_s)
            raise DropConnectionError
        room = min(request.max_envelope, settings.max_envelope_kb * 1024) - _ENVELOPE_ROOM
        with shell.in_use():
            delivery = outbox.take(
                limit=room * 3 // 4,
                timeout_s=_timeout_of(request, settings),
                single=settings.one_fragment_per_receive,
            )
        if outbox.gone:
            raise FaultError(faults.NO_SUCH_SHELL, request.shell_id or "")
        if delivery is None:
            raise FaultError(faults.TIMED_OUT)
        if (
            command_id is not None
            and isinstance(shell, PsrpShell)
            and self._traps.springs(traps.LOST_FRAGMENT)
        ):
            delivery = replace(delivery, chunks=delivery.chunks[1:])
        ended = (desired.text or "").split() if isinstance(shell, WinRsShell) else ()
        return replies.received(delivery, command_id, ended)

    def _signal(self, request: soap.Request, identity: Identity, settings: Settings) -> str:
        shell = self._shells.find(request.shell_id, identity)
        node = request.find("rsp:Signal")
        if node is None:
            raise FaultError(faults.INVALID_REQUEST)
        code = node.findtext("rsp:Code", "", {"rsp": soap.SHELL})
        with shell.in_use():
            shell.signal(node.get("CommandId"), code, _timeout_of(request, settings))
        return "<rsp:SignalResponse/>"


def _is_loopback(client: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def _timeout_of(request: soap.Request, settings: Settings) -> float:
    """How long a request may wait, in seconds: what the client says, within what the service allows."""
    allowed = min(request.timeout_s, settings.max_operation_timeout_s)
    return allowed if settings.operation_timeout_s is None else min(allowed, settings.operation_timeout_s)
