"""The packet rules that Docker, ufw and firewalld load, as files beside this module: rules only, no daemon.

`.rules` are in the form of iptables-save, `.nft` in that of nft. They are added to what is there, as their
makers add them.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Literal

from .libvirt_rules import restore
from .netns import Namespace

if TYPE_CHECKING:
    from .libvirt_rules import Iptables

RuleSet = Literal["docker", "ufw", "firewalld"]

_FOLDER = resources.files("wslnet_lab.fabric") / "rulesets"


def load(host: str, rule_set: RuleSet, iptables: Iptables) -> None:
    """Load one set of rules in a machine, those of iptables with the given program.

    Raises:
        FabricError: The loader refuses it.
    """
    native = _FOLDER / f"{rule_set}.nft"
    with Namespace(host) as ns:
        if native.is_file():
            ns.nft(native.read_text(encoding="utf-8"))
        else:
            restore(ns, iptables, (_FOLDER / f"{rule_set}.rules").read_text(encoding="utf-8"))
