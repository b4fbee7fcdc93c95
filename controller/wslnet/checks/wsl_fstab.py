"""May a network mount in /etc/fstab hold up the start of a mirrored distro (microsoft/WSL#11005)?

WSL mounts what stands there while Windows' adapters may not be mirrored yet, and waits for each.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_mirrored_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.linux_facts import LinuxFacts, SettingState
from wslnet.model.machine import Kind
from wslnet.resources.setting_file import SettingFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot

_SAY = Findings("wsl.fstab", docs="https://github.com/microsoft/WSL/issues/11005")

_PATH = "/etc/fstab"
_NETWORK_MOUNT = re.compile(
    r"^(?P<head>[ \t]*[^#\s]\S*[ \t]+\S+[ \t]+(?:nfs4?|cifs|smb3|fuse\.sshfs)[ \t]+)(?P<options>\S+)",
    re.MULTILINE,
)
_WAITS_NOT = frozenset({"nofail", "noauto"})
_ADDED = ("nofail", "x-systemd.mount-timeout=10s")


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.settings is None:
        yield _SAY.unread(machine, _PATH)
    else:
        state = facts.settings.files.get(_PATH)
        content = state.content if state is not None else None
        # An edit through latin-1 changes no byte that it does not mean to.
        yield _machine(machine, base64.b64decode(content or "").decode("latin-1"))


def _machine(machine: str, text: str) -> Finding:
    waits = [one for one in _NETWORK_MOUNT.finditer(text) if _holds_up(one)]
    if not waits:
        return _SAY.ok(machine, "no network mount can hold up the start of WSL")
    new = _NETWORK_MOUNT.sub(_mended, text)
    content = base64.b64encode(new.encode("latin-1")).decode()
    words = f"{', '.join(_ADDED)} at {len(waits)} network mount{'s' if len(waits) > 1 else ''}"
    return _SAY.problem(
        Status.WARN,
        machine,
        "a network mount may hold up the start of WSL",
        evidence=(f"{machine}: {_PATH}: {' '.join(one[0].split())}" for one in waits),
        cause="WSL mounts it at its start, when its adapters may not be mirrored yet, and waits for it",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code} --fix",
            (f"add {','.join(_ADDED)} to the options of these lines of {_PATH}",),
            (
                SettingFile(
                    machine, _PATH, SettingState(content=content), words, "the start must not wait for it"
                ),
            ),
        ),
    )


def _holds_up(mount: re.Match[str]) -> bool:
    return not _WAITS_NOT & set(mount["options"].split(","))


def _mended(mount: re.Match[str]) -> str:
    return f"{mount[0]},{','.join(_ADDED)}" if _holds_up(mount) else mount[0]


CHECK = Check(
    code=_SAY.code,
    title="No network mount holds up the start of WSL",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"settings", "wsl"})},
    judge=on_mirrored_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
