"""The endpoint's files are PowerShell, by a grammar that is not the lab's own."""

import pytest
from tests.powershell import broken

from wslnet_win_agent.endpoint import render
from wslnet_win_agent.endpoint.offer import FUNCTIONS, READS
from wslnet_win_agent.errors import CallRefused

FILES = render.files(modules=tuple(READS), account=r"BUILTIN\Remote Management Users")


@pytest.mark.parametrize("name", FILES)
def test_the_grammar_reads_it(name: str) -> None:
    assert broken(FILES[name].encode()) == []
    assert FILES[name].isascii()
    assert "\n" not in FILES[name].replace("\r\n", "")


def test_modules_that_are_not_there_are_not_named() -> None:
    text = render.capability(["NetTCPIP"])

    assert "ModulesToImport = 'NetTCPIP'" in text
    assert not any(module in text for module in set(READS) - {"NetTCPIP"})
    assert all(f"'WslnetEndpoint\\{name}'" in text for name in FUNCTIONS)
    assert "*" not in text


@pytest.mark.parametrize("account", ["", "anna", "a\\b'c", "a\\b\n", "a\\$(x)", "BOX\\*", 'a\\"b'])
def test_an_account_that_could_be_more_than_a_name_is_refused(account: str) -> None:
    with pytest.raises(CallRefused, match="not an account"):
        render.configuration(account)
