"""A rule to delete, one of several equal ones or none, at any place of a chain."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.netfilter.rules import Place
from wslnet.resources.absent_rule import AbsentRule

from .case_forward_accept import NATIVE, NATIVE_RULES, NATIVE_STATES, RULES, STATES
from .linux_model import BACKEND

RESOURCE = AbsentRule
FORWARD = Place(BACKEND, "ip", "filter", "FORWARD")


@st.composite
def _case(draw: st.DrawFn) -> tuple[object, AbsentRule]:
    facts, text = draw(STATES), draw(RULES)
    there = facts.firewall.backends[BACKEND]["4"].splitlines().count(f"-A FORWARD {text}")
    return facts, AbsentRule("host", FORWARD, text, "law", left=max(0, there - 1))


@st.composite
def _native_case(draw: st.DrawFn) -> tuple[object, AbsentRule]:
    facts, text = draw(NATIVE_STATES), draw(NATIVE_RULES)
    there = facts.firewall.nft.partition("\t}")[0].splitlines().count(f"\t\t{text}")
    return facts, AbsentRule("host", NATIVE, text, "law", left=max(0, there - 1))


CASES = st.one_of(_case(), _native_case())
