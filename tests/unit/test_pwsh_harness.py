"""What tests/pwsh would ask a real PowerShell is sound even where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.powershell import broken
from tests.pwsh.stubs import FLAGS, script
from tests.pwsh.test_scripts import CALLS, CORPUS, attacks, chosen, ours, plain

from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_win_agent.endpoint.offer import FUNCTIONS

SCRIPTS = sorted((Path(__file__).parents[1] / "pwsh").glob("*.ps1"))
FUNCTIONS_OF_WINDOWS = [one for one in load_oracle("all").commands.values() if one.cdxml]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_grammar_reads_the_scripts(path: Path) -> None:
    source = path.read_bytes()
    assert source.isascii()
    assert not broken(source)
    assert broken(source[: source.rindex(b"}")])


def test_the_grammar_reads_a_stand_in_for_every_function_of_windows() -> None:
    assert len(FUNCTIONS_OF_WINDOWS) > 60
    for signature in FUNCTIONS_OF_WINDOWS:
        text = script([signature])
        # This grammar knows no attributes of enums.
        assert not broken(text.replace(FLAGS, "").encode()), text
        assert f"function {signature.name} " in text


def test_every_function_of_the_endpoint_is_attacked() -> None:
    table = attacks()
    assert {case["function"] for _, case in table} == set(FUNCTIONS)
    assert len(table) > 300
    assert all(identity for identity, _ in table)


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="no ../shared")
def test_the_calls_that_the_engine_is_asked_bind_here_as_recorded() -> None:
    rows = chosen()
    assert len(rows) == CALLS
    oracle = load_oracle("all")
    different = []
    for row in rows:
        signature = oracle.command(row["c"])
        assert signature is not None
        arguments = [[name, *plain(value)] for name, value in row["p"]]
        errors = [error["q"].partition(",")[0] for error in row.get("e", [])]
        results = row.get("r") or [{"set": "", "b": {}}]
        recorded = {
            "state": row["s"],
            "id": errors[0] if errors else "",
            "set": results[0]["set"],
            "bound": sorted(results[0]["b"]),
        }
        if ours(signature, arguments) != recorded:
            different.append(row["id"])
    assert len(different) <= CALLS // 100, different
