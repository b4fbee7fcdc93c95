"""Every check leads to a page that explains it, and doctor prints where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.checks import discover
from wslnet.cli.render_doctor import render
from wslnet.engine.doctor import Diagnosis, examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.snapshot import Snapshot

OWN_PAGES = (
    "https://learn.microsoft.com/windows/wsl/networking",
    "https://learn.microsoft.com/windows/wsl/wsl-config",
)


@pytest.mark.row("S1-26")
def test_every_check_names_its_page(snapshot: Callable[..., Snapshot]) -> None:
    pages = {check.code: check.docs or "" for check in discover()}
    assert {code for code, page in pages.items() if not page.startswith("https://")} <= {"machine.reachable"}
    assert all(any(page.startswith(one) for page in pages.values()) for one in OWN_PAGES)
    whole = snapshot("seed")
    findings = examine(whole)
    assert {(one.code, one.docs or "") for one in findings} == set(pages.items())
    lines = list(render(Diagnosis(whole.inventory, findings)))
    (failing,) = (one for one in findings if one.code == "mode.actual")
    assert f"       docs: {failing.docs}" in lines
