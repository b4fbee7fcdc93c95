"""How this Windows is set up and which server traps are switched on (windows-facts 1.3, 7 and 8).

Read anew from the lab's folder for each request, so that `lab break` acts at once. A trap is a name in
`faults.json`; what a Windows has for good stands in `windows.json`: name, build and language at its top, what
only the wire knows under `wire`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from wslnet_lab.host.wire.fragments import FRAGMENT_SIZE

if TYPE_CHECKING:
    from pathlib import Path

FAULTS: Mapping[str, Mapping[str, object]] = {
    "winrm-401": {"unauthorized": True},
    "winrm-401-later": {"unauthorized_after": 2},
    "winrm-timeout-loop": {"operation_timeout_s": 0.5},
    "winrm-idle-close": {"idle_close_s": 1.0},
    "winrm-shell-gone": {"shells_gone_after": 2},
    "winrm-drop-receive": {"drop_receive_after": 2},
    "winrm-silent": {"silent_after": 2},
    "psrp-lost-fragment": {"lost_fragment_after": 2, "fragment_size": 512},
    "psrp-split-fragments": {"fragment_size": 512, "one_fragment_per_receive": True},
    "psrp-slow-first-call": {"first_call_delay_s": 3.0},
    "psrp-enum-objects": {"friendly": "objects"},
    "psrp-raw-numbers": {"friendly": "none"},
    "psrp-no-language": {"no_language": True},
    "psrp-missing-cmdlet": {"lacking": ("*-NetFirewallHyperV*",)},
    "psrp-missing-parameter": {"lacking": ("New-NetFirewallHyperVRule -Profiles",)},
    "psrp-error-non-terminating": {"failing": {"Get-NetFirewallHyperVRule": "continue"}},
    "psrp-error-terminating": {"failing": {"New-NetFirewallHyperVRule": "stop"}},
    "winrm-loopback-open": {"loopback_for_others": True},
    "winrs-no-wsl": {"wsl_over_network": False},
    "winrm-shell-quota": {"max_shells_per_user": 0},
    "winrm-operation-quota": {"max_operations_per_user": 0},
    "culture-zh-cn": {"culture": "zh-CN"},
    "culture-de-de": {"culture": "de-DE"},
}
"""What each trap sets; `faults.json` may give other values for the same settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The wire's settings; times in seconds, sizes in bytes. None: as the client asks, or never.

    `…_after` traps act that many commands after they were set: refused logons and Receives without an answer
    for good, shells that are gone, a connection that breaks in a Receive and a fragment that gets lost once
    (`traps`); those without it act on every request.
    """

    host_name: str = "DESKTOP-WUJING"
    build: str = "22631.4317"
    culture: str = "en-US"
    configurations: tuple[str, ...] = ("Microsoft.PowerShell", "Microsoft.PowerShell.Workflow")
    no_language_configurations: tuple[str, ...] = ()
    no_language: bool = False
    allow_basic: bool = False
    allow_unencrypted: bool = False
    max_shells_per_user: int = 30
    max_operations_per_user: int = 1500
    max_envelope_kb: int = 500
    max_operation_timeout_s: float = 60.0
    shell_idle_timeout_s: float = 7200.0
    operation_timeout_s: float | None = None
    idle_close_s: float | None = 120.0
    fragment_size: int = FRAGMENT_SIZE
    one_fragment_per_receive: bool = False
    unauthorized: bool = False
    unauthorized_after: int | None = None
    shells_gone: bool = False
    shells_gone_after: int | None = None
    drop_receives: bool = False
    drop_receive_after: int | None = None
    silent_after: int | None = None
    silence_s: float = 60.0
    lost_fragment_after: int | None = None
    first_call_delay_s: float = 0.0
    friendly: str = "text"
    lacking: tuple[str, ...] = ()
    failing: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[Mapping[str, object], ...] = ()
    """Accounts beside the owner: `user`, `password` (none: the owner's), `sid`, `admin`."""
    loopback_for_others: bool = False
    """Whether others than administrators get a session over loopback; reported blocked (windows-facts 11)."""
    wsl_over_network: bool = True
    """Whether wsl.exe runs in a session of the network; a Store WSL does not (windows-facts 5)."""


_NAMES = frozenset(field.name for field in fields(Settings))
_LISTS = frozenset({"configurations", "no_language_configurations", "lacking", "accounts"})


class SettingsError(ValueError):
    """A settings file that cannot be used; its text names the file and the culprit."""


def load_settings(folder: Path) -> Settings:
    """The settings of the lab in `folder`; missing files mean an ordinary Windows without traps.

    Raises SettingsError for a file that is not the JSON it should be.
    """
    windows = _read_json(folder / "windows.json")
    settings = _changed(
        Settings(), {**_of_windows(windows), **_table(windows.get("wire"))}, folder / "windows.json"
    )
    for name, given in _read_faults(folder / "faults.json").items():
        if name in FAULTS and given is not False and given is not None:
            known = {key: value for key, value in _table(given).items() if key in _NAMES}
            settings = _changed(settings, {**FAULTS[name], **known}, folder / "faults.json")
    return settings


def _of_windows(windows: Mapping[str, object]) -> dict[str, object]:
    """What the wire shares with the rest of Windows: name, build and language."""
    shared: dict[str, object] = {}
    if "computer" in windows:
        shared["host_name"] = windows["computer"]
    if "build" in windows:
        shared["build"] = f"{windows['build']}.{windows.get('revision', 0)}"
    if "culture" in windows:
        shared["culture"] = windows["culture"]
    return shared


def _table(given: object) -> Mapping[str, object]:
    return given if isinstance(given, Mapping) else {}


def _changed(settings: Settings, changes: Mapping[str, Any], source: Path) -> Settings:
    unknown = sorted(set(changes) - _NAMES)
    if unknown:
        raise SettingsError(f"{source}: unknown wire setting '{unknown[0]}'")
    values: dict[str, Any] = {key: tuple(value) if key in _LISTS else value for key, value in changes.items()}
    return replace(settings, **values)


def _read_json(path: Path) -> dict[str, object]:
    """A JSON table; a file that is not there is an empty one."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        content = json.loads(text or "{}")
    except ValueError as error:
        raise SettingsError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected a table")
    return content


def _read_faults(path: Path) -> Mapping[str, object]:
    """The traps that are on: `{"faults": [NAME…]}`, or a table of names with values of their own."""
    given = _read_json(path).get("faults", [])
    if isinstance(given, list):
        return {str(name): True for name in given}
    return _table(given)


class SettingsSource:
    """Gives the settings of now; while a file cannot be used, those of before."""

    def __init__(self, folder: Path) -> None:
        """Reads the files in `folder` for the first time; raises SettingsError."""
        self._folder = folder
        self._last = load_settings(folder)
        self._complaint = ""

    def __call__(self) -> Settings:
        """The settings of now; what is wrong with a file is said once, on stderr."""
        try:
            self._last = load_settings(self._folder)
            self._complaint = ""
        except SettingsError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                sys.stderr.write(f"{error}; the last good settings stay\n")
        return self._last
