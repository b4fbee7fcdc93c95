r"""What a Windows with WSL has when it is new: registry, files of drive C:, services.

Data only, made from the settings once; afterwards the state files are the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.state.builtin_rules import builtin_rules
from wslnet_lab.host.state.host_rule_text import REGISTRY_KEY as HOST_RULES_KEY
from wslnet_lab.host.state.host_rule_text import registry_text
from wslnet_lab.host.state.registry import full_path, value_of

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.host.state.settings import Settings

_CURRENT_VERSION = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_LXSS_MACHINE = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss"
_LXSS_USER = r"Software\Microsoft\Windows\CurrentVersion\Lxss"
_SERVICES = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"

# name: (display name, start type, state). Display names are English in every culture of the lab.
_SERVICE_ROWS = {
    "WSLService": ("WSL Service", "Automatic", "Running"),
    "hns": ("Host Network Service", "Manual", "Running"),
    "vmcompute": ("Hyper-V Host Compute Service", "Manual", "Running"),
    "SharedAccess": ("Internet Connection Sharing (ICS)", "Manual", "Running"),
    "iphlpsvc": ("IP Helper", "Automatic", "Running"),
    "MpsSvc": ("Windows Defender Firewall", "Automatic", "Running"),
    "BFE": ("Base Filtering Engine", "Automatic", "Running"),
    "WinRM": ("Windows Remote Management (WS-Management)", "Automatic", "Running"),
    "Schedule": ("Task Scheduler", "Automatic", "Running"),
    "Dnscache": ("DNS Client", "Automatic", "Running"),
    "nsi": ("Network Store Interface Service", "Automatic", "Running"),
    "NlaSvc": ("Network Location Awareness", "Manual", "Running"),
    "netprofm": ("Network List Service", "Manual", "Running"),
}


def install_registry(settings: Settings) -> dict[str, Any]:
    """The registry as installed; the settings' own keys are merged over it."""
    keys: dict[str, dict[str, object]] = {
        _CURRENT_VERSION: {
            **versions(settings)[_CURRENT_VERSION],
            "CurrentMajorVersionNumber": 10,
            "CurrentMinorVersionNumber": 0,
            "CurrentVersion": "6.3",
            "DisplayVersion": "23H2",
            "InstallationType": "Client",
        },
        rf"{_SERVICES}\Tcpip6\Parameters": {"Dhcpv6DUID": "000100012d5f"},
        rf"{_SERVICES}\MpsSvc\Parameters": {"ServiceDllUnloadOnStop": 1},
        r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName": {
            "ComputerName": settings.computer
        },
        r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\LogonUI": {
            "LastLoggedOnUserSID": settings.owner_sid
        },
        r"HKEY_USERS\S-1-5-19\Environment": {"TEMP": r"%USERPROFILE%\AppData\Local\Temp"},
        rf"HKEY_USERS\{settings.owner_sid}\Volatile Environment": {
            "USERNAME": settings.owner,
            "USERPROFILE": settings.home,
            "USERDOMAIN": settings.computer,
            "APPDATA": rf"{settings.home}\AppData\Roaming",
            "LOCALAPPDATA": rf"{settings.home}\AppData\Local",
            "HOMEDRIVE": "C:",
            "HOMEPATH": rf"\Users\{settings.owner}",
        },
    }
    keys[
        rf"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{settings.owner_sid}"
    ] = {"ProfileImagePath": settings.home}
    if settings.wsl_version is not None:
        keys[_LXSS_MACHINE] = {}
        keys[rf"{_LXSS_MACHINE}\MSI"] = {
            "InstallLocation": "C:\\Program Files\\WSL\\",
            "Version": settings.wsl_version,
        }
        keys |= _distro_keys(settings)
    keys[HOST_RULES_KEY] = {
        str(row["InstanceID"]): registry_text(row, lambda _: None) for row in builtin_rules().values()
    }
    data = {key: {name: _row(value) for name, value in values.items()} for key, values in keys.items()}
    for path, values in settings.registry.items():
        key = full_path(path)
        if key is None:
            raise ValueError(f"windows.json: {path!r} is no registry path")
        key = key.replace("HKEY_CURRENT_USER", rf"HKEY_USERS\{settings.owner_sid}")
        data.setdefault(key, {}).update({name: _row(value) for name, value in values.items()})
    return data


def versions(settings: Settings) -> dict[str, dict[str, object]]:
    """What an update of Windows or WSL writes anew: key → value name → data."""
    keys: dict[str, dict[str, object]] = {
        _CURRENT_VERSION: {
            "CurrentBuildNumber": str(settings.build),
            "CurrentBuild": str(settings.build),
            "UBR": settings.revision,
            "EditionID": settings.edition,
            # Windows 11 still says "Windows 10" here; only the build tells them apart.
            "ProductName": settings.product,
        },
    }
    if settings.wsl_version is not None:
        keys[rf"{_LXSS_MACHINE}\MSI"] = {"Version": settings.wsl_version}
    return keys


def install_files(drive: Path, settings: Settings) -> None:
    """Makes the folders and files of drive C: in `drive`."""
    home = drive / "Users" / settings.owner
    for folder in (
        drive / "Windows/System32",
        drive / "Program Files",
        drive / "ProgramData",
        home / "Documents",
    ):
        folder.mkdir(parents=True, exist_ok=True)
    programs = [f"Windows/System32/{name}.exe" for name in ("cmd", "whoami", "netsh", "sc", "icacls", "reg")]
    programs.append("Program Files/wslnet/wslnet.exe")  # what its installer has put there
    if settings.wsl_version is not None:
        programs += ["Windows/System32/wsl.exe", "Program Files/WSL/wsl.exe"]
    for program in programs:
        (drive / program).parent.mkdir(parents=True, exist_ok=True)
        (drive / program).write_bytes(b"MZ")
    for path, text in settings.files.items():
        place = drive.joinpath(*path[3:].split("\\"))
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode("utf-8"))


def install_services(settings: Settings) -> dict[str, Any]:
    """The services with start type and state; without WSL its service is absent."""
    rows = {
        name: {"display": display, "start": start, "state": settings.services.get(name, state)}
        for name, (display, start, state) in _SERVICE_ROWS.items()
        if name != "WSLService" or settings.wsl_version is not None
    }
    for name, state in settings.services.items():
        rows.setdefault(name, {"display": name, "start": "Manual", "state": state})
    return rows


def _distro_keys(settings: Settings) -> dict[str, dict[str, object]]:
    lxss = rf"HKEY_USERS\{settings.owner_sid}\{_LXSS_USER}"
    first = settings.distros[0].guid if settings.distros else ""
    keys: dict[str, dict[str, object]] = {lxss: {"DefaultDistribution": first, "DefaultVersion": 2}}
    for distro in settings.distros:
        keys[rf"{lxss}\{distro.guid}"] = {
            "DistributionName": distro.name,
            "Version": distro.version,
            "State": 1,
            "DefaultUid": distro.default_uid,
            "Flags": 15,
            "BasePath": rf"{settings.home}\AppData\Local\wsl\{distro.guid}",
        }
    return keys


def _row(value: object) -> dict[str, object]:
    row = value_of(value)
    return {"kind": row.kind, "data": row.data}
