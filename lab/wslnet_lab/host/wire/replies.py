"""Bodies of WS-Management replies: shells, streams, configuration (recorded Windows traffic)."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from wslnet_lab.host.wire import soap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_lab.host.wire.outbox import Delivery
    from wslnet_lab.host.wire.settings import Settings
    from wslnet_lab.host.wire.shells import Shell

_DONE = soap.SHELL + "/CommandState/Done"
_RUNNING = soap.SHELL + "/CommandState/Running"
_CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
_POWERSHELL_FIELDS = (
    ("CompressionMode", "NoCompression"),
    ("ProfileLoaded", "Yes"),
    ("Encoding", "UTF8"),
    ("BufferMode", "Block"),
    ("State", "Connected"),
)


def created(shell: Shell, request: soap.Request) -> str:
    """The body that answers Create."""
    record = shell.record
    return (
        f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{escape(record.resource)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{escape(record.shell_id)}</w:Selector></w:SelectorSet>'
        "</a:ReferenceParameters>"
        f"</x:ResourceCreated>{describe(shell)}"
    )


def describe(shell: Shell) -> str:
    """The rsp:Shell element, as Create and Get answer it."""
    record = shell.record
    powershell = not record.resource.endswith("/cmd")
    now = time.monotonic()
    fields = [
        ("ShellId", record.shell_id),
        ("ResourceUri", record.resource),
        ("Owner", record.owner.user),
        ("ClientIP", record.client),
        *([("ProcessId", "4384")] if powershell else []),
        ("IdleTimeOut", f"PT{record.idle_timeout_s:.3f}S"),
        ("InputStreams", record.input_streams),
        ("OutputStreams", record.output_streams),
        *([("MaxIdleTimeOut", "PT2147483.647S")] if powershell else []),
        *([("Locale", record.culture), ("DataLocale", record.culture)] if powershell else []),
        *(_POWERSHELL_FIELDS if powershell else []),
        ("ShellRunTime", _elapsed(now - shell.created)),
        ("ShellInactivity", _elapsed(now - shell.last_used)),
    ]
    return "<rsp:Shell>" + "".join(soap.tag(name, text) for name, text in fields) + "</rsp:Shell>"


def received(delivery: Delivery, command_id: str | None, ended: Iterable[str] = ()) -> str:
    """The body that answers Receive; `ended` names the streams of a program that end with it."""
    target = {} if command_id is None else {"CommandId": command_id}
    parts = [
        soap.tag("Stream", base64.b64encode(chunk.data).decode(), Name=chunk.stream, **target)
        for chunk in delivery.chunks
    ]
    if command_id is not None and delivery.done:
        parts += [soap.tag("Stream", "", Name=name, End="true", **target) for name in ended]
        code = soap.tag("ExitCode", str(delivery.exit_code or 0))
        shown = f"CommandId={quoteattr(command_id)} State={quoteattr(_DONE)}"
        parts.append(f"<rsp:CommandState {shown}>{code}</rsp:CommandState>")
    elif command_id is not None:
        parts.append(soap.tag("CommandState", "", State=_RUNNING, **target))
    return f"<rsp:ReceiveResponse>{''.join(parts)}</rsp:ReceiveResponse>"


def config(settings: Settings) -> str:
    """The service's configuration, as far as clients look at it."""
    basic = str(settings.allow_basic).lower()
    plain = str(settings.allow_unencrypted).lower()
    return (
        f'<cfg:Config xmlns:cfg="{_CONFIG}">'
        f"<cfg:MaxEnvelopeSizekb>{settings.max_envelope_kb}</cfg:MaxEnvelopeSizekb>"
        f"<cfg:MaxTimeoutms>{int(settings.max_operation_timeout_s * 1000)}</cfg:MaxTimeoutms>"
        "<cfg:MaxBatchItems>32000</cfg:MaxBatchItems><cfg:Service>"
        f"<cfg:AllowUnencrypted>{plain}</cfg:AllowUnencrypted><cfg:Auth><cfg:Basic>{basic}</cfg:Basic>"
        "<cfg:Kerberos>true</cfg:Kerberos><cfg:Negotiate>true</cfg:Negotiate></cfg:Auth></cfg:Service><cfg:Winrs>"
        f"<cfg:IdleTimeout>{int(settings.shell_idle_timeout_s * 1000)}</cfg:IdleTimeout>"
        f"<cfg:MaxShellsPerUser>{settings.max_shells_per_user}</cfg:MaxShellsPerUser></cfg:Winrs></cfg:Config>"
    )


def identity(settings: Settings) -> str:
    """The body that answers Identify."""
    build = settings.build.partition(".")[0]
    return (
        f'<wsmid:IdentifyResponse xmlns:wsmid="{soap.IDENTITY}">'
        f"<wsmid:ProtocolVersion>{soap.WSMAN}</wsmid:ProtocolVersion>"
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>OS: 10.0.{build} SP: 0.0 Stack: 3.0</wsmid:ProductVersion>"
        "</wsmid:IdentifyResponse>"
    )


def _elapsed(span_s: float) -> str:
    minutes, seconds = divmod(int(span_s), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"P{days}DT{hours}H{minutes}M{seconds}S"
