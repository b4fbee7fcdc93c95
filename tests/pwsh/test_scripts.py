"""Every PowerShell file of ours as the engine itself reads and runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.pwsh.stubs import script
from tests.unit.endpoint.test_attacks import GOOD, PAIRS, _bad_values

from wslnet_lab.host.contract import Argument, CommandError, PlainObject
from wslnet_lab.host.engine.binder import bind
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.engine.types import Kind
from wslnet_win_agent.endpoint import render
from wslnet_win_agent.endpoint.offer import FUNCTIONS, MODULE, READS

if TYPE_CHECKING:
    from tests.pwsh.conftest import PowerShell

    from wslnet_lab.host.engine.signatures import Signature

pytestmark = [pytest.mark.pwsh, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
ENDINGS = ("*.ps1", "*.psm1", "*.psd1", "*.psrc", "*.pssc")
FOLDERS = ("installer", "win_agent", "tests")
SHARED = Path(os.environ.get("WSLNET_SHARED", REPOSITORY.parent / "shared"))
CORPUS = SHARED / "corpus/binder/binder.jsonl"
CALLS = 300
# Values that only the engine or Windows could make, and those that a JSON file cannot carry as they are.
FOREIGN_KINDS = (Kind.CIM_INSTANCE, Kind.CIM_SESSION, Kind.OPAQUE)


@pytest.fixture
def endpoint_folder(tmp_path: Path) -> Path:
    """The endpoint's own files, as `endpoint install` writes them."""
    folder = tmp_path / MODULE
    for name, text in render.files(modules=tuple(READS), account="DESKTOP\\anna").items():
        path = folder.joinpath(*name.split("\\"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def test_the_engine_parses_every_file_of_ours(pwsh: PowerShell, endpoint_folder: Path) -> None:
    found = [
        str(path) for name in FOLDERS for ending in ENDINGS for path in (REPOSITORY / name).rglob(ending)
    ]
    found += [str(path) for ending in ENDINGS for path in endpoint_folder.rglob(ending)]
    # A role of the loader's own tests that is broken on purpose would be named here; there is none.
    parsed: dict[str, list[str]] = {}
    for one in found:
        parsed |= pwsh.ask(HERE / "parse.ps1", "-Path", one)
    assert len(parsed) >= 8
    assert {path: errors for path, errors in parsed.items() if errors} == {}


def attacks() -> list[tuple[str, dict[str, Any]]]:
    """Expected id and call; an object of no plain type cannot be told in JSON."""
    found: list[tuple[str, dict[str, Any]]] = []
    for function, parameter in PAIRS:
        others = [[name, value] for name, value in GOOD[function].items() if name != parameter]
        for _, bad, identity in _bad_values(function, parameter):
            if not isinstance(bad, PlainObject):
                found.append((identity, {"function": function, "arguments": [*others, [parameter, bad]]}))
    for function in FUNCTIONS:
        found.append(("NamedParameterNotFound", {"function": function, "arguments": [["Bogus", 1]]}))
        found.append(("PositionalParameterNotFound", {"function": function, "arguments": [[None, "x"]]}))
    return found


def test_the_endpoints_functions_refuse_every_attack(
    pwsh: PowerShell, endpoint_folder: Path, tmp_path: Path
) -> None:
    table = attacks()
    cases = tmp_path / "attacks.json"
    cases.write_text(json.dumps([case for _, case in table]), encoding="utf-8")
    # The endpoint's own configuration wants accounts and modules of Windows; its functions do not.
    configuration = tmp_path / "attacked.pssc"
    visible = ", ".join(f"'{name}'" for name in FUNCTIONS)
    module = str(endpoint_folder / f"{MODULE}.psm1")
    configuration.write_text(
        f"@{{ SchemaVersion = '2.0.0.0'; SessionType = 'RestrictedRemoteServer'; "
        f"ModulesToImport = '{module}'; VisibleFunctions = {visible} }}\n",
        encoding="utf-8",
    )
    told = pwsh.ask(HERE / "attack.ps1", "-Configuration", str(configuration), "-Cases", str(cases))
    acted = [
        (case, result["state"], result["id"])
        for (identity, case), result in zip(table, told, strict=True)
        if result["state"] != "Failed" or not result["id"].startswith(identity)
    ]
    assert acted == []


# ---- the binder --------------------------------------------------------------------------------------


def plain(value: dict[str, Any] | None) -> tuple[object, bool]:
    """A recorded argument as JSON, and whether it has a value at all."""
    if value is None:
        return None, False
    [(kind, content)] = value.items()
    if kind == "n":
        return None, True
    if kind == "a":
        return [plain(item)[0] for item in content], True
    return content, True


def chosen() -> list[dict[str, Any]]:
    """Calls of functions alone, with values that cross as JSON: as many as wanted, evenly over the corpus."""
    oracle = load_oracle("all")
    rows = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]
    fit = [row for row in rows if row.get("f") == "f" and "st" not in row and told_in_json(oracle, row)]
    assert len(fit) >= CALLS
    return [fit[position * len(fit) // CALLS] for position in range(CALLS)]


def told_in_json(oracle: Any, row: dict[str, Any]) -> bool:
    signature = oracle.command(row["c"])
    if signature is None or not signature.cdxml:
        return False
    kinds = {one.name: one.type.kind for one in signature.parameters.values()}
    return all(
        (value is None or next(iter(value)) not in ("l", "d", "h"))
        and kinds.get(name) not in (*FOREIGN_KINDS, Kind.TIME_SPAN, Kind.DATE_TIME)
        for name, value in row["p"]
    )


def ours(signature: Signature, arguments: list[list[Any]]) -> dict[str, object]:
    """What our binder makes of a call."""
    sent = tuple(Argument(name, value if given else True) for name, value, given in arguments)
    try:
        bound = bind(signature, sent).result()
    except CommandError as error:
        return {"state": "Failed", "id": error.details.fqid.partition(",")[0], "set": "", "bound": []}
    names = sorted(bound.parameters)
    return {"state": "Completed", "id": "", "set": bound.parameter_set, "bound": names}


@pytest.mark.corpus
def test_calls_bind_as_the_engine_binds_them(pwsh: PowerShell, tmp_path: Path) -> None:
    if not CORPUS.exists():
        pytest.skip("no ../shared")
    oracle = load_oracle("all")
    calls = [
        {"command": row["c"], "arguments": [[name, *plain(value)] for name, value in row["p"]]}
        for row in chosen()
    ]
    stubs, cases = tmp_path / "stubs.ps1", tmp_path / "calls.json"
    named = {oracle.command(call["command"]).name for call in calls}
    stubs.write_text(script(oracle.command(name) for name in sorted(named)), encoding="utf-8")
    cases.write_text(json.dumps(calls), encoding="utf-8")
    told = pwsh.ask(HERE / "bind.ps1", "-Stubs", str(stubs), "-Cases", str(cases))
    different = []
    for call, result in zip(calls, told, strict=True):
        theirs = {**result, "id": result["id"].partition(",")[0], "bound": sorted(result["bound"])}
        mine = ours(oracle.command(call["command"]), call["arguments"])
        if theirs != mine:
            different.append((call, theirs, mine))
    assert len(different) <= CALLS // 100, different
