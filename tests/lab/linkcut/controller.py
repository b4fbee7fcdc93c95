"""The real program with one more wish: `python controller.py SPEC.json ARGUMENTS…`.

The spec holds routes and a cut of a link (`bench.spec`). They are resources like all others: planned, put
under the machine's guard and journalled by the real engine. Once the cut is made it waits to be killed.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import wslnet.app.setup as planning
from wslnet.cli.main import main
from wslnet.model.change import Action, Change, Op, Risk
from wslnet.resources.static_route import StaticRoute
from wslnet.transport.connections import Connections
from wslnet_linux_agent import bundle

_LAST_VERB = '"guard.status": ('
_HANG_S = 60.0


@dataclass(frozen=True)
class LinkCut:
    """A cut of the machine's own link, in the place of any change of risk cuts-link."""

    machine: str
    make: list[dict[str, list[str]]]
    mend: list[dict[str, list[str]]]
    name: str = "link cut"
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"identity"})
    volatile: bool = True

    def diff(self, _: object) -> tuple[Change, ...]:
        do, undo = Op("cut.make", {"steps": self.make}), Op("cut.mend", {"steps": self.mend})
        change = Change(
            self.machine, self.name, Action.CHANGE, "whole", "cut", "campaign", do, undo, Risk.CUTS_LINK
        )
        return (change,)


def agent_with_cuts() -> bytes:
    """The bundle of the agent with the two verbs in it."""
    folder = Path(bundle.__file__).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    table = '"cut.make": ("cut", "make"), "cut.mend": ("cut", "mend"), ' + _LAST_VERB
    ops = sources["ops.py"].replace(_LAST_VERB, table)
    assert ops != sources["ops.py"]
    part = Path(__file__).with_name("agent_part.py").read_text(encoding="utf-8")
    program = bundle.build({**sources, "ops.py": ops, "cut.py": part})
    return b"%d\n%s" % (len(program), program)


def wish_for_more(spec: dict[str, Any]) -> None:
    """Makes every plan of this process hold what the spec asks for."""
    extra = [*(StaticRoute(why="campaign", **one) for one in spec["routes"]), LinkCut(**spec["cut"])]
    known = planning.profile_of

    def profile_of(mode: str) -> Any:
        found = known(mode)
        return replace(found, resources=lambda *asked: (*found.resources(*asked), *extra))

    planning.profile_of = profile_of


def wait_after_the_cut() -> None:
    """The answer to a cut, if it comes, is the last that this process hears."""
    execute = Connections.execute

    def waits(self: Connections, machine: str, ops: Any, *, deadline_s: float) -> Any:
        answers = execute(self, machine, ops, deadline_s=deadline_s)
        if any(op.verb == "cut.make" for op in ops):
            assert all(one.ok for one in answers), answers
            time.sleep(_HANG_S)
        return answers

    Connections.execute = waits


if __name__ == "__main__":
    changed = agent_with_cuts()
    bundle.bundle = lambda: changed
    wish_for_more(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    wait_after_the_cut()
    main(sys.argv[2:])
