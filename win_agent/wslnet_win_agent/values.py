"""One value from the three ways in which Windows sends it: raw number, enum object, name.

Driven by the CIM tables of the catalogue, since one feature has three encodings of on and off
(windows-facts 1.1). Nothing here decides by truth: `2` is true in Python and means "disabled" for a rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import catalogue

if TYPE_CHECKING:
    from .bridge import WindowsObject

# What the tables of the documents lack: read off the descriptions (windows-facts 1.1).
_MORE_NAMES: dict[tuple[str, str], dict[int, str]] = {
    ("MSFT_NetFirewallHyperVRule", "Enabled"): {1: "True", 2: "False"},
    ("MSFT_NetFirewallHyperVVMSetting", "Enabled"): {0: "False", 1: "True", 2: "NotConfigured"},
    ("MSFT_NetFirewallHyperVVMSetting", "LoopbackEnabled"): {0: "False", 1: "True", 2: "NotConfigured"},
    ("MSFT_NetFirewallHyperVVMSetting", "AllowHostPolicyMerge"): {0: "False", 1: "True", 2: "NotConfigured"},
    ("MSFT_NetFirewallProfile", "Enabled"): {0: "False", 1: "True", 2: "NotConfigured"},
    ("MSFT_NetFirewallProfile", "DefaultInboundAction"): {0: "NotConfigured", 2: "Allow", 4: "Block"},
    ("MSFT_NetFirewallProfile", "AllowLocalFirewallRules"): {0: "False", 1: "True", 2: "NotConfigured"},
    ("MSFT_NetConnectionProfile", "NetworkCategory"): {0: "Public", 1: "Private", 2: "DomainAuthenticated"},
}
_SYNONYMS = {"enabled": "true", "disabled": "false"}


def name_of(row: WindowsObject, prop: str) -> str | None:
    """Give the name of an enum property of a CIM row, in the table's spelling.

    A number without a name comes back as its digits, a property that is not there as None.
    """
    names = enum_names(row.cim_class or "", prop)
    return named(row.get(prop), names)


def enum_names(class_name: str, prop: str) -> dict[int, str]:
    """Give number to name for an enum property; empty if it is none."""
    return dict(_MORE_NAMES.get((class_name, prop)) or catalogue.enum_names(class_name, prop))


def named(value: object, names: dict[int, str]) -> str | None:
    """Give the name for a number, digits, or a name in any case (also its on/off synonym)."""
    number = integer(value)
    if number is not None:
        return names.get(number, str(number))
    if value is None:
        return None
    text = str(value).strip()
    by_fold = {name.casefold(): name for name in names.values()}
    fold = text.casefold()
    return by_fold.get(fold) or by_fold.get(_SYNONYMS.get(fold, "")) or text


def flag_names(value: object, names: dict[int, str]) -> tuple[str, ...]:
    """Give the names in a bit mask (0 is a name of its own), or in a text such as `Domain, Private`."""
    number = integer(value)
    if number is None:
        parts = str(value or "").split(",")
        return tuple(named(part, names) or part for part in parts if part.strip())
    if number in names:
        return (names[number],)
    return tuple(name for bit, name in sorted(names.items()) if bit and number & bit == bit)


def integer(value: object) -> int | None:
    """Give an integer from a number or digits; None for anything else, true and false included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    return None


def boolean(value: object) -> bool | None:
    """Give a CIM boolean, which may come as its text; None for anything else, numbers included."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    return None


def text(value: object) -> str | None:
    """Give text as text; None stays None."""
    return None if value is None else str(value)


def texts(value: object) -> tuple[str, ...]:
    """Give a list of texts from a list, one text, or nothing."""
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(str(each) for each in value)
    return (str(value),)


def family(row: WindowsObject) -> int | None:
    """Give 4 or 6 from `AddressFamily` (2 and 23 on Windows)."""
    return {"IPv4": 4, "IPv6": 6, "2": 4, "23": 6}.get(
        named(row.get("AddressFamily"), {2: "IPv4", 23: "IPv6"}) or ""
    )
