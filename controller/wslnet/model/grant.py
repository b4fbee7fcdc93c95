"""What `wslnet firewall allow` grants: a port, who may come, and until when.

A rule of ours says all of it in its own display name, so a start of Windows, an expiry and another controller
read it from the rule itself. Pure text and time; nothing here looks at a clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.allow import Allow, parse_allow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.windows_facts import HyperVRule

OWN_PREFIX = "wslnet-"
"""How the unique name of every rule of ours begins (windows-facts 2)."""

_NAME = re.compile(r"wslnet-(?P<purpose>[A-Za-z0-9-]+)-(?P<proto>tcp|udp)-(?P<port>[0-9]{1,5})")
_DISPLAY = re.compile(r"wslnet: (?P<allow>\S+) into WSL(?: until (?P<until>[0-9TZ:-]{20}))?")
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_LASTS = re.compile(r"(?:(?P<days>[0-9]{1,4})d)?(?:(?P<hours>[0-9]{1,4})h)?(?:(?P<minutes>[0-9]{1,5})m)?")


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One allowed port; `until` in UTC and whole seconds as `2026-11-21T20:00:00Z`, None: for good."""

    allow: Allow
    until: str | None = None

    @property
    def display_name(self) -> str:
        """What its rule says of itself."""
        return f"wslnet: {self.allow} into WSL" + (f" until {self.until}" if self.until else "")

    def is_over(self, now: datetime) -> bool:
        """Whether its time has come; one that was granted for good has none."""
        return self.until is not None and datetime.strptime(self.until, _STAMP).replace(tzinfo=UTC) <= now


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule of wslnet's own that was read, with the grant that it says it is, and what it is for."""

    rule: HyperVRule
    grant: Grant
    purpose: str


def own_rule(rule: HyperVRule) -> OwnRule | None:
    """The rule as one of ours; None when it is somebody else's, or does not say of itself what it is."""
    named = _NAME.fullmatch(rule.name)
    told = _DISPLAY.fullmatch(rule.display_name or "")
    if named is None or told is None:
        return None
    try:
        grant = Grant(parse_allow(told["allow"]), told["until"] and _checked(told["until"]))
    except (InputError, ValueError):
        return None
    same = (grant.allow.proto, str(grant.allow.port)) == (named["proto"], named["port"])
    return OwnRule(rule, grant, named["purpose"]) if same else None


def grants_until(
    allows: Iterable[Allow], lasts: str | None, moment: str | None, now: datetime
) -> tuple[Grant, ...]:
    """The ports as granted from `now` (aware) on: for `lasts`, until `moment`, or for good.

    Raises:
        InputError: the time cannot be read, or is past.
    """
    until = end_after(lasts, now) if lasts is not None else None
    until = end_at(moment, now) if moment is not None else until
    return tuple(Grant(allow, until) for allow in allows)


def end_after(lasts: str, now: datetime) -> str:
    """The end of what begins `now` (aware) and lasts `2h`, `90m`, `1d12h`.

    Raises:
        InputError: it is no such time, or none at all.
    """
    match = _LASTS.fullmatch(lasts)
    parts = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    try:
        end = now + timedelta(**parts)
    except OverflowError:
        end = now
    if end <= now:
        raise InputError(f"--for {lasts!r}: expected a time such as 30m, 2h or 1d12h")
    return _stamp(end)


def end_at(moment: str, now: datetime) -> str:
    """The end at an ISO moment; one without an offset is meant in the zone of `now` (aware).

    Raises:
        InputError: it is no moment, or it is past.
    """
    try:
        end = datetime.fromisoformat(moment)
    except ValueError:
        raise InputError(f"--until {moment!r}: expected a moment such as 2026-11-21T20:00") from None
    end = end if end.tzinfo is not None else end.replace(tzinfo=now.tzinfo)
    if end <= now:
        raise InputError(f"--until {moment}: that is past")
    return _stamp(end)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_STAMP)


def _checked(stamp: str) -> str:
    datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    return stamp
