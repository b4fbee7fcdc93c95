"""Files as they lie on a Windows: where roles are looked for, in which encodings, and who may come in."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Identity, Session
from wslnet_lab.host.endpoint.failures import ConfigurationRefused, OpenFailed
from wslnet_lab.host.endpoint.registered import CONFIGURATIONS, MODULE_PATH, Endpoints, NotAdmitted
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import build_windows, endpoints_of
from wslnet_lab.host.paper_hardware import PaperHardware

if TYPE_CHECKING:
    from collections.abc import Callable

ANN = Session(Identity("ann", "S-1-5-21-1-2-3-1001", admin=False))
CAPABILITY = "@{{ FunctionDefinitions = @{{ Name = 'Get-It'; ScriptBlock = {{ 'größe' }} }} }} # {0}"
CONFIGURATION = (
    "@{{ SessionType = 'RestrictedRemoteServer'{1};"
    " RoleDefinitions = @{{ 'PC\\ann' = @{{ RoleCapabilities = '{0}' }} }} }}"
)


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Endpoints, Callable[[str, bytes], None]]:
    folder = tmp_path_factory.mktemp("windows")
    machine = build_windows(folder, PaperHardware(), JsonLinesLog(folder / "calls.jsonl"))
    machine.boot()
    root = machine.state.disk.locate("C:\\")
    assert root is not None

    def write(path: str, content: bytes) -> None:
        place = root.joinpath(*path.split("\\")[1:])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    return endpoints_of(machine), write


def visible(endpoints: Endpoints, name: str) -> list[str]:
    opened = endpoints.open(name, ANN)
    assert opened is not None
    return [
        each for each, _ in opened.engine._opened.commands.listed(hidden=False) if each.startswith("Get-I")
    ]


@pytest.mark.parametrize(
    ("role", "lies_in"),
    [
        ("Mine\\plain", rf"{MODULE_PATH[0]}\Mine"),
        ("plain", rf"{MODULE_PATH[0]}\Mine"),
        ("system", rf"{MODULE_PATH[1]}\Theirs"),
    ],
)
def test_a_role_is_looked_for_in_its_module_or_in_all(
    role: str, lies_in: str, drive: tuple[Endpoints, Callable[[str, bytes], None]]
) -> None:
    """jea-facts A19: without a module it is the first file of that name on PSModulePath."""
    endpoints, write = drive
    plain = role.rpartition("\\")[2]
    write(rf"{lies_in}\RoleCapabilities\{plain}.psrc", CAPABILITY.format("").encode())
    write(rf"{CONFIGURATIONS}\{plain}.pssc", CONFIGURATION.format(role, "").encode())
    assert visible(endpoints, plain) == ["Get-It"]


@pytest.mark.parametrize(
    "mark", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, None], ids=repr
)
def test_any_encoding_of_windows_is_read(
    mark: bytes | None, drive: tuple[Endpoints, Callable[[str, bytes], None]]
) -> None:
    endpoints, write = drive
    codec = {None: "cp1252", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(
        mark, "utf-8"
    )
    for path, text in (
        (rf"{MODULE_PATH[0]}\Coded\RoleCapabilities\coded.psrc", CAPABILITY.format("内核" if mark else "é")),
        (rf"{CONFIGURATIONS}\coded.pssc", CONFIGURATION.format("Coded\\coded", "")),
    ):
        write(path, (mark or b"") + text.replace("; ", "\r\n").encode(codec))
    assert visible(endpoints, "coded") == ["Get-It"]


@pytest.mark.parametrize(
    ("role", "more", "refused"),
    [
        ("Mine\\absent", "", ConfigurationRefused),
        ("absent", "", ConfigurationRefused),
        ("Coded\\coded", "; TranscriptDirectory = 'Q:\\nowhere'", OpenFailed),
        ("Coded\\coded", "; ScriptsToProcess = 'C:\\nowhere.ps1'", OpenFailed),
        ("Coded\\coded", "; SessionType = 'Empty'", ConfigurationRefused),
    ],
)
def test_what_breaks_an_open(
    role: str,
    more: str,
    refused: type[Exception],
    drive: tuple[Endpoints, Callable[[str, bytes], None]],
) -> None:
    endpoints, write = drive
    write(rf"{MODULE_PATH[0]}\Coded\RoleCapabilities\coded.psrc", CAPABILITY.format("").encode())
    write(rf"{CONFIGURATIONS}\broken.pssc", CONFIGURATION.format(role, more).encode())
    with pytest.raises(refused):
        endpoints.open("broken", ANN)


def test_who_has_no_role_is_not_admitted(drive: tuple[Endpoints, Callable[[str, bytes], None]]) -> None:
    endpoints, write = drive
    write(rf"{CONFIGURATIONS}\hers.pssc", CONFIGURATION.format("Coded\\coded", "").encode())
    with pytest.raises(NotAdmitted):
        endpoints.open("hers", Session(Identity("bob", "S-1-5-21-1-2-3-1002", admin=False)))
    assert endpoints.open("nobody's", ANN) is None
