"""The XML that Export-ScheduledTask gives: the definition as the service wrote it down, not as it was sent.

Defaults left out, children in the service's own order, a user's SID as a name (windows-facts 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from wslnet_lab.host.tasks import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROLOG = '<?xml version="1.0" encoding="UTF-16"?>\r\n'
_ORDER = ("RegistrationInfo", "Principals", "Settings", "Triggers", "Data", "Actions")


def export(xml: str, names: Mapping[str, str]) -> str:
    """The normal form of a definition that `definition.read` takes; `names` maps SIDs to account names."""
    ET.register_namespace("", schema.NAMESPACE)
    root = ET.fromstring(schema.without_prolog(xml))  # noqa: S314 - it was read when it was registered
    root[:] = sorted(root, key=lambda node: _ORDER.index(schema.name_of(node)))
    for node in root:
        name = schema.name_of(node)
        if name == "Settings":
            node[:] = [each for each in node if not _is_default(each)]
        elif name == "Triggers":
            for trigger in node:
                _normalise_trigger(trigger, names)
    ET.indent(root)
    return _PROLOG + ET.tostring(root, encoding="unicode").replace("\n", "\r\n")


def _is_default(node: ET.Element) -> bool:
    return schema.SETTING_DEFAULTS.get(schema.name_of(node)) == (node.text or "")


def _normalise_trigger(trigger: ET.Element, names: Mapping[str, str]) -> None:
    for each in list(trigger):
        if schema.name_of(each) == "Enabled" and each.text == "true":
            trigger.remove(each)
        elif schema.name_of(each) == "UserId":
            each.text = names.get(each.text or "", each.text)
