"""psrpcore's server half, corrected to behave as the real engine does (psrp-facts 8).

psrpcore 0.3.1 reads what clients send, keeps the pool's state and does the key exchange. What it would
send is replaced here, each correction with its reason, so that all of it could go upstream:

* No PipelineState `Running`: no recording of an engine has one. `ServerPipeline.start` is never called.
* Bodies start with a byte-order mark, except empty ones; psrpcore sends none.
* SessionCapability and EncryptedSessionKey carry the zero pool id; the former echoes an older client's
  protocol version (psrp-facts 9).
* A client of other versions gets no word after the SessionCapability (psrp-facts 1.3); psrpcore opens for it.
* ApplicationPrivateData holds a whole PSVersionTable (5.1's), psrpcore only two versions of it.
* Values: text before the number in enums, ToString in records, strings instead of nulls in error records,
  an HResult, arrays as System.Object[], whole seconds of a TimeSpan. These need another serialiser and so
  nothing that psrpcore serialises is sent; `clixml`, `encode` and `records` write it.
* A pipeline that fails says so in its state, with the record there only; psrpcore has no `fail()`.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import psrpcore
from psrpcore import types as ps

from wslnet_lab.host.wire.clixml import Writer
from wslnet_lab.host.wire.fragments import ZERO_ID, MessageType

Send = Callable[[MessageType, str, UUID], None]
"""Takes a pool message: its type, body and pool id."""

_TABLE_TYPES = (
    "System.Management.Automation.PSPrimitiveDictionary",
    "System.Collections.Hashtable",
    "System.Object",
)
_PROTOCOL = ps.PSVersion("2.3")
_OLDER_PROTOCOLS = (ps.PSVersion("2.0"), ps.PSVersion("2.1"), ps.PSVersion("2.2"))
_MAJORS = (2, 2, 1)
_POWERSHELL_BUILD = "5.1.{build}"


class EngineLikePool(psrpcore.ServerRunspacePool):  # type: ignore[misc]  # psrpcore is untyped
    """A server runspace pool whose messages are those of Windows PowerShell 5.1."""

    def __init__(self, send: Send, build: str) -> None:
        """Takes where messages go and the Windows build (`22631.4317`) that the version table tells."""
        super().__init__()
        self._send = send
        self._build = build

    def prepare_message(
        self,
        message: object,
        message_type: object = None,
        pipeline_id: object = None,
        stream_type: object = None,
    ) -> None:
        """Sends a pool message in the engine's form; psrpcore calls this for all it wants to say.

        Raises TypeError for pipeline messages, which never come from psrpcore here.
        """
        del message_type, pipeline_id, stream_type
        if not self._understood() and not isinstance(message, ps.SessionCapability):
            return
        match message:
            case ps.SessionCapability():
                message.protocolversion = self._spoken()
                self._send(MessageType.SESSION_CAPABILITY, _capability(message), ZERO_ID)
            case ps.EncryptedSessionKey():
                body = _notes(("S", "EncryptedSessionKey", str(message.EncryptedSessionKey)))
                self._send(MessageType.ENCRYPTED_SESSION_KEY, body, ZERO_ID)
            case ps.ApplicationPrivateData():
                body = _private_data(self._build, str(self._spoken()))
                self._send(MessageType.APPLICATION_PRIVATE_DATA, body, self.runspace_pool_id)
            case ps.RunspacePoolStateMsg():
                body = pool_state(int(message.RunspaceState))
                self._send(MessageType.RUNSPACE_POOL_STATE, body, self.runspace_pool_id)
            case ps.RunspaceAvailability():
                self._send(MessageType.RUNSPACE_AVAILABILITY, _availability(message), self.runspace_pool_id)
            case _:
                raise TypeError(f"psrpcore sends {type(message).__name__}, which this host does itself")

    def _understood(self) -> bool:
        """Whether the client's versions are ones it speaks; else it says its own, and then nothing."""
        theirs = self.their_capability
        majors = (theirs.PSVersion, theirs.protocolversion, theirs.SerializationVersion)
        return tuple(each.major for each in majors) == _MAJORS

    def _spoken(self) -> ps.PSVersion:
        """The protocol version of this session: an older client's own, else 2.3."""
        theirs = self.their_capability.protocolversion
        return theirs if theirs in _OLDER_PROTOCOLS else _PROTOCOL


def pool_state(number: int) -> str:
    """The body of a RunspacePoolState message."""
    return _notes(("I32", "RunspaceState", str(number)))


def _capability(message: object) -> str:
    names = ("protocolversion", "PSVersion", "SerializationVersion")
    return _notes(*(("Version", name, str(getattr(message, name))) for name in names))


def _availability(message: object) -> str:
    answer: object = message.SetMinMaxRunspacesResponse  # type: ignore[attr-defined]  # psrpcore is untyped
    call: object = message.ci  # type: ignore[attr-defined]  # psrpcore is untyped
    shown = ("B", str(answer).lower()) if isinstance(answer, bool) else ("I32", str(answer))
    return _notes((shown[0], "SetMinMaxRunspacesResponse", shown[1]), ("I64", "ci", str(call)))


def _notes(*notes: tuple[str, str, str]) -> str:
    writer = Writer()
    with writer.obj(), writer.element("MS"):
        for tag, name, text in notes:
            writer.string(text, name, tag)
    return writer.text()


def _private_data(build: str, protocol: str) -> str:
    """The version table of 5.1 in its order there (psrp-facts 8 and 9; recorded Windows traffic)."""
    powershell = _POWERSHELL_BUILD.format(build=build)
    writer = Writer()
    with (
        writer.obj(),
        writer.element("MS"),
        writer.obj("ApplicationPrivateData", _TABLE_TYPES),
        writer.element("DCT"),
        writer.element("En"),
    ):
        writer.string("PSVersionTable", "Key")
        with writer.obj("Value", _TABLE_TYPES), writer.element("DCT"):
            _entry(writer, "PSVersion", "Version", powershell)
            _entry(writer, "PSEdition", "S", "Desktop")
            _compatible_versions(writer, powershell)
            _entry(writer, "CLRVersion", "Version", "4.0.30319.42000")
            _entry(writer, "BuildVersion", "Version", f"10.0.{build}")
            _entry(writer, "WSManStackVersion", "Version", "3.0")
            _entry(writer, "PSRemotingProtocolVersion", "Version", protocol)
            _entry(writer, "SerializationVersion", "Version", "1.1.0.1")
    return writer.text()


def _compatible_versions(writer: Writer, powershell: str) -> None:
    types = ("System.Version[]", "System.Array", "System.Object")
    with writer.element("En"):
        writer.string("PSCompatibleVersions", "Key")
        with writer.obj("Value", types), writer.element("LST"):
            for version in ("1.0", "2.0", "3.0", "4.0", "5.0", powershell):
                writer.leaf("Version", version)


def _entry(writer: Writer, key: str, tag: str, value: str) -> None:
    with writer.element("En"):
        writer.string(key, "Key")
        writer.leaf(tag, value, "Value")
