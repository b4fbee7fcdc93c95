"""Whose session this is and with which rights, by SIDs alone: what `whoami` writes in words is localised.

Well-known ones: 544 administrators (also those whose token is filtered), 16-12288 and 16-16384 the integrity
of an elevated process and of a service, 5-2 the network, 5-113 a local account, 11-96 a Microsoft account.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host
    from wslnet_win_agent.native import NativeRunner

WHOAMI = r"C:\Windows\System32\whoami.exe"
# A whole field of the CSV: a group may be called like a SID.
_SID = re.compile(rb'"(S-1(?:-[0-9]+)+)"')
_TIMEOUT_S = 20.0
_SYSTEM, _ADMINISTRATORS, _NETWORK, _LOCAL = "S-1-5-18", "S-1-5-32-544", "S-1-5-2", "S-1-5-113"
_MICROSOFT, _INTEGRITY = "S-1-11-96-", "S-1-16-"
_HIGH = 12288
_NOT_FOR_US = frozenset({"refused", "not-permitted"})


def session(host: Host) -> dict[str, object] | None:
    """Give the fact of docs/protocols.md 2; None where programs do not run as the session's own user."""
    try:
        sid, groups = user_sid(host.native), _sids(host.native, "/groups")
        keys = registry.read(host.read([files.registry_keys([registry.LOGON_UI])]).outputs)
    except WindowsAgentError as error:
        if error.code in _NOT_FOR_US:
            return None
        raise
    integrity = max(
        (int(each.rpartition("-")[2]) for each in groups if each.startswith(_INTEGRITY)), default=0
    )
    return {
        "sid": sid,
        "system": sid == _SYSTEM,
        "administrator": _ADMINISTRATORS in groups,
        "elevated": integrity >= _HIGH,
        "network": _NETWORK in groups,
        "local_account": _LOCAL in groups,
        "microsoft_account": any(each.startswith(_MICROSOFT) for each in groups),
        "desktop_user": keys.text(registry.LOGON_UI, "LastLoggedOnUserSID"),
    }


def user_sid(native: NativeRunner) -> str:
    """Whose session programs run in.

    Raises:
        WindowsAgentError: `failed` when Windows does not say, or as `NativeRunner.run` does.
    """
    found = _sids(native, "/user")
    if not found:
        raise WindowsAgentError("failed", "Windows does not say whose session this is (whoami)")
    return found[0]


def _sids(native: NativeRunner, what: str) -> list[str]:
    result = native.run((WHOAMI, what, "/fo", "csv", "/nh"), timeout_s=_TIMEOUT_S)
    found = _SID.findall(result.stdout) if result.exit_code == 0 else []
    return [each.decode("ascii") for each in found]
