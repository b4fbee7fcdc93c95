"""The endpoint on its own machine: its owner's task asked for a probe, and the verdict kept or taken away.

A probe changes nothing that a run would take back: a request is put, a task started, the answer fetched.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from typing import TYPE_CHECKING

from wslnet_win_agent.boot.call_files import PROBE, Request
from wslnet_win_agent.calls import files
from wslnet_win_agent.endpoint.places import VERDICT
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.files import read_file
from wslnet_win_agent.host import Host
from wslnet_win_agent.owners_task import OwnersTask
from wslnet_win_agent.registry import PROFILES
from wslnet_win_agent.values import text

if TYPE_CHECKING:
    from .arguments import Arguments

SESSION_S = 20.0
"""What the owner's process may take for its session, in seconds."""

_ANSWER_S = 45.0
_KEY = "Registry::HKEY_USERS\\{}\\Volatile Environment"
_PERSON = re.compile(r"S-1-(5-21|12-1)-[0-9-]+")
"""SIDs of people, with an account of this machine, a domain or Entra ID; services have others."""


def probe(host: Host, arguments: Arguments) -> dict[str, object]:
    r"""Have the owner (`owner`: `MACHINE\name`) open one session over loopback → `{passed, why}`.

    Whatever stands in the way is the answer "not passed" with its reason, never an error.
    """
    owner = arguments.text("owner")
    deadline = time.monotonic() + min(_ANSWER_S, host.left_s())
    # Its own host: a request that was lost is no change whose outcome would have to be known.
    asking = Host(host.bridge, host.native, until=deadline)
    try:
        task = OwnersTask(asking, _profile(asking, owner))
        call = task.ask(Request((PROBE,), SESSION_S), deadline)
        if task.answer(call, deadline) is not None:
            return {"passed": True, "why": ""}
        task.withdraw(call)
    except WindowsAgentError as error:
        return {"passed": False, "why": error.message}
    return {"passed": False, "why": f"the task of {owner} did not answer in time"}


def keep(host: Host, arguments: Arguments) -> dict[str, object]:
    """Write the verdict's file (`content`, base64), or remove it (null); read back.

    Raises:
        WindowsAgentError: `bad-op`, `failed` when it does not read back.
    """
    given = arguments.optional_text("content")
    try:
        wanted = None if given is None else base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise WindowsAgentError("bad-op", f"{arguments.verb}: content is no base64") from error
    before = read_file(host, VERDICT).content
    if wanted != before:
        write = files.remove(VERDICT) if wanted is None else files.write_bytes(VERDICT, wanted)
        host.attempt(write, f"writing {VERDICT}")
    if read_file(host, VERDICT).content != wanted:
        raise WindowsAgentError("failed", f"{VERDICT} was written and reads back otherwise")
    return {"before": {"kept": before is not None}, "after": {"kept": wanted is not None}}


def _profile(host: Host, owner: str) -> str:
    """The folder of the owner, who must be logged on: his task runs in his session alone.

    Raises:
        WindowsAgentError: `not-found` when he is not.
    """
    found = host.read([files.children(PROFILES)]).outputs
    names = [text(row.get("PSChildName")) or "" for row in found]
    sids = [name for name in names if _PERSON.fullmatch(name)]
    rows = host.read([files.registry_keys(map(_KEY.format, sids))]).outputs if sids else ()
    for row in rows:
        account = f"{text(row.get('USERDOMAIN'))}\\{text(row.get('USERNAME'))}"
        profile = text(row.get("USERPROFILE"))
        if account.casefold() == owner.casefold() and profile:
            return profile
    raise WindowsAgentError("not-found", f"{owner} is not logged on at that Windows")
