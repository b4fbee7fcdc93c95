"""WS-Management envelopes: what a request asks, and the text of replies (recorded Windows traffic).

Reading and writing only; what the actions do is `service`'s.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Mapping

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"

_NAMES = {"s": SOAP, "a": ADDRESSING, "x": TRANSFER, "w": WSMAN, "p": MICROSOFT, "rsp": SHELL}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMES.items())
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_ANONYMOUS = f"{ADDRESSING}/role/anonymous"


class SoapError(ValueError):
    """A body that is no WS-Management request."""


@dataclass(frozen=True)
class Request:
    """One WS-Management request; `timeout_s` and `max_envelope` as the client states them."""

    action: str
    resource: str
    message_id: str
    body: ET.Element
    to: str = ""
    selectors: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 60.0
    max_envelope: int = 153600
    client: str = ""

    @property
    def shell_id(self) -> str | None:
        """The shell that the request is for."""
        return self.selectors.get("ShellId")

    def find(self, path: str) -> ET.Element | None:
        """The first element in the body at a path with this module's prefixes (`rsp:Shell`)."""
        return self.body.find(path, _NAMES)

    def find_all(self, path: str) -> list[ET.Element]:
        """All elements in the body at a path."""
        return self.body.findall(path, _NAMES)


def parse(text: bytes, client: str = "") -> Request:
    """The request in an envelope; raises SoapError for anything else."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - sent by a logged-on client of the lab, and expat bounds entities
    except ET.ParseError as error:
        raise SoapError(f"not XML: {error}") from error
    body = root.find("s:Body", _NAMES)
    if root.tag != f"{{{SOAP}}}Envelope" or body is None:
        raise SoapError("not a SOAP 1.2 envelope")
    return Request(
        action=_header(root, "a:Action"),
        resource=_header(root, "w:ResourceURI"),
        message_id=_header(root, "a:MessageID"),
        to=_header(root, "a:To"),
        body=body,
        selectors=_named(root, "w:SelectorSet/w:Selector"),
        options=_named(root, "w:OptionSet/w:Option"),
        timeout_s=seconds(_header(root, "w:OperationTimeout"), default=60.0),
        max_envelope=int(_header(root, "w:MaxEnvelopeSize") or 153600),
        client=client,
    )


def _header(root: ET.Element, path: str) -> str:
    return (root.findtext(f"s:Header/{path}", "", _NAMES) or "").strip()


def _named(root: ET.Element, path: str) -> dict[str, str]:
    return {node.get("Name", ""): (node.text or "") for node in root.iterfind(f"s:Header/{path}", _NAMES)}


def seconds(duration: str, default: float) -> float:
    """The seconds of an xs:duration (`PT20S`, `PT7200.000S`), or `default` where there is none."""
    match = _DURATION.match(duration.strip())
    if match is None or not any(match.groups()):
        return default
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def reply(request: Request, body: str, *, action: str | None = None) -> str:
    """The envelope of a reply to `request` with `body` as its content."""
    return (
        f'<s:Envelope xml:lang="en-US" {_DECLARED}><s:Header>'
        f"<a:Action>{escape(action or request.action + 'Response')}</a:Action>"
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:To>{_ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(request.message_id)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def tag(name: str, text: str, **attributes: str) -> str:
    """One element of the shell namespace with text."""
    shown = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<rsp:{name}{shown}>{escape(text)}</rsp:{name}>"
