"""Verbs in random order with events of Windows' cards between them: WSL's own state stays whole throughout.

A few steps always, fifty in a full run; each seed is a lab of its own. Whatever happened, a last setup ends
with the chains and rules that WSL's service was recorded to set, and with everybody reaching whom they may.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.conftest import wslnet

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.conftest import RunningLab

pytestmark = pytest.mark.lab
TOPOLOGY = "seed"

_RUN_TIMEOUT_S = 400
_FOLLOWED_S = 20.0
_ETHERNET, _VPN = "以太网", "ctEAO-10"
_SECOND = "172.24.21.111/24"
_VPN_ADDRESSES = ("10.61.2.254/32", "10.61.2.77/32")

# As recorded (corpus/wsl-guest/mirrored-wifi, step 06), the lines of one card with its name left open.
_OUTPUT = ["counter packets N bytes N meta mark set 0x00000001"]
_CARD_LINE = (
    'oif "{card}" {proto} sport 1-65535 meta mark != 0x00000001 counter packets N bytes N '
    "masquerade to :44620-48715"
)
_RULES = [
    "1: from all ipproto tcp lookup 127",
    "1: from all ipproto udp lookup 127",
    "1: from all ipproto tcp lookup 128",
    "1: from all ipproto udp lookup 128",
    "2: from all lookup local",
    "32766: from all lookup main",
    "32767: from all lookup default",
]
_CARD_RULE = "0: from all iif {card} ipproto {proto} lookup local"


class Story:
    """A lab and what was done to it; every step says what it did, so that a failure can be told again."""

    def __init__(self, lab: RunningLab, seed: int) -> None:
        self.lab = lab
        self.chance = random.Random(seed)  # noqa: S311 - a story to be told again, no secret
        self.told: list[str] = []
        self.done: Counter[str] = Counter()
        self._vpn = True
        self._ports = 0

    # ---- steps ---------------------------------------------------------------------------------------

    def setup(self) -> None:
        self._run({0}, "setup", "--mirrored", "--yes")

    def fix(self) -> None:
        # 11: what only a setup can mend stays a finding.
        self._run({0, 11}, "doctor", "--fix", "--yes")

    def publish(self) -> None:
        self._ports += 1
        self._run({0}, "forward", "add", "--to", "vm2:22", "--listen", f"{2200 + self._ports}@lan", "--yes")

    def undo(self) -> None:
        self._run({0}, "undo", "--yes")

    def _run(self, allowed: set[int], *words: str) -> None:
        self.told.append(" ".join(words))
        self.done[words[0]] += 1
        done = wslnet("--inventory", str(self.lab.inventory), *words, "--json", timeout_s=_RUN_TIMEOUT_S)
        assert "Traceback" not in done.stderr, (self.told, done.stderr)
        assert done.returncode in allowed, (self.told, done.returncode, done.stdout[-3000:], done.stderr)

    # ---- events --------------------------------------------------------------------------------------

    def resend(self) -> None:
        self.lab.control("adapter_resend", name=_ETHERNET)

    def change_mtu(self) -> None:
        self._windows("link", "set", "ethernet", "mtu", self.chance.choice(["1400", "1480", "1500"]))

    def toggle_vpn(self) -> None:
        self.lab.control("adapter_remove" if self._vpn else "adapter_add", name=_VPN)
        self._vpn = not self._vpn

    def bring_vpn(self) -> None:
        """As the lab began: the next story counts on it."""
        if not self._vpn:
            self.toggle_vpn()

    def renew_address(self) -> None:
        there = _SECOND in self._windows("-4", "address", "show", "dev", "ethernet")
        self._windows("address", "del" if there else "add", _SECOND, "dev", "ethernet")

    def renumber_vpn(self) -> None:
        shown = self._windows("-4", "address", "show", "dev", "cteao10")
        old, new = sorted(_VPN_ADDRESSES, key=lambda text: text.partition("/")[0] not in shown)
        self._windows("address", "del", old, "dev", "cteao10")
        self._windows("address", "add", new, "dev", "cteao10")

    def _windows(self, *words: str) -> str:
        done = self.lab.outside("windows", ["ip", *words])
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def happen(self) -> None:
        """One or two events, and the time that WSL takes to follow them."""
        events = (self.resend, self.change_mtu, self.toggle_vpn, self.renew_address, self.renumber_vpn)
        for event in self.chance.sample(events, self.chance.randint(1, 2)):
            self.told.append(event.__name__)
            self.done[event.__name__] += 1
            event()
        deadline = time.monotonic() + _FOLLOWED_S
        while self.mirrored() and self._windows_cards() != self._guest_cards():
            assert time.monotonic() < deadline, (self.told, self._windows_cards(), self._guest_cards())
            time.sleep(0.2)

    # ---- what is there -------------------------------------------------------------------------------

    def mirrored(self) -> bool:
        return bool(self.lab.control("wsl_state")["mode"] == "mirrored")

    def _windows_cards(self) -> list[list[str]]:
        there = ("ethernet", "cteao10") if self._vpn else ("ethernet",)
        return sorted(self._addresses("windows", device) for device in there)

    def _guest_cards(self) -> list[list[str]]:
        """By their addresses: WSL names a card by the order in which cards came."""
        every = (self._addresses("wsl", card) for card in self.cards())
        return sorted(addresses for addresses in every if addresses)

    def _addresses(self, machine: str, device: str) -> list[str]:
        done = self.lab.outside(machine, ["ip", "-4", "-o", "address", "show", "dev", device])
        return sorted(re.findall(r"inet (\S+)", done.stdout))

    def cards(self) -> set[str]:
        """WSL's mirrored cards."""
        shown = self.lab.outside("wsl", ["ip", "-o", "link"]).stdout
        return set(re.findall(r"^\d+: (eth\d+)", shown, re.MULTILINE))

    def assert_whole(self) -> None:
        """WSL's chains and routing rules are the recorded ones, for the cards that there are."""
        cards = sorted(self.cards())
        assert cards, self.told
        masquerades = [
            _CARD_LINE.format(card=card, proto=proto) for card in cards for proto in ("tcp", "udp")
        ]
        for family in ("ip", "ip6"):
            assert self._chain(family, "filter", "WSLOUTPUT") == _OUTPUT, self.told
            assert sorted(self._chain(family, "nat", "WSLPOSTROUTING")) == sorted(masquerades), self.told
        shown = self.lab.outside("wsl", ["ip", "-4", "rule"]).stdout.splitlines()
        found = [" ".join(line.split()) for line in shown]
        first = [
            _CARD_RULE.format(card=card, proto=proto)
            for card in ("loopback0", *cards)
            for proto in ("tcp", "udp")
        ]
        assert sorted(found) == sorted([*first, *_RULES]), self.told

    def _chain(self, family: str, table: str, chain: str) -> list[str]:
        done = self.lab.outside("wsl", ["nft", "list", "chain", family, table, chain])
        assert done.returncode == 0, (self.told, done.stderr)
        lines = [line.strip() for line in done.stdout.splitlines()[3:-2]]
        return [re.sub(r"packets \d+ bytes \d+", "packets N bytes N", line) for line in lines]

    def assert_wished(self) -> None:
        """Who reaches whom is what the inventory wishes."""
        done = wslnet("matrix", "--inventory", str(self.lab.inventory), "--json", timeout_s=_RUN_TIMEOUT_S)
        pairs: list[dict[str, Any]] = json.loads(done.stdout)["pairs"]
        wrong = [pair for pair in pairs if pair["expected"] is not None and pair["ok"] != pair["expected"]]
        assert (done.returncode, wrong) == (0, []), self.told
        assert any(pair["expected"] for pair in pairs)


def run(lab: RunningLab, seed: int, steps: int, campaign: Callable[..., None]) -> None:
    """`steps` verbs with events between them, each counted, then a last setup and the judgement."""
    story = Story(lab, seed)
    for _ in range(steps):
        story.chance.choice((story.setup, story.fix, story.publish, story.undo))()
        if story.mirrored():
            story.assert_whole()
        story.happen()
        if story.mirrored():
            story.assert_whole()
        campaign("nic-events", 1, "steps held")
    story.setup()
    story.assert_whole()
    story.assert_wished()
    story.bring_vpn()
    for name, number in sorted(story.done.items()):
        campaign("nic-events", number, name)


@pytest.mark.timeout(600)
def test_a_short_sequence_with_card_events(story_lab: RunningLab, campaign: Callable[..., None]) -> None:
    run(story_lab, 14, 4, campaign)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", [50, 51, 52])
def test_fifty_steps_with_card_events(
    story_lab: RunningLab, campaign: Callable[..., None], seed: int
) -> None:
    run(story_lab, seed, 50, campaign)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("damage", "evidence"),
    [
        ("iptables -t nat -F", "ip nat WSLPOSTROUTING has no tcp masquerade for eth"),
        pytest.param("nft flush ruleset", "ip filter WSLOUTPUT is missing", marks=pytest.mark.full),
    ],
)
def test_chains_that_somebody_flushed_are_named_and_a_restart_brings_them_back(
    story_lab: RunningLab, damage: str, evidence: str
) -> None:
    story = Story(story_lab, seed=0)
    story.setup()
    assert story_lab.run("wsl", damage.split()).returncode == 0
    inventory = ("--inventory", str(story_lab.inventory))
    done = wslnet(*inventory, "doctor", "--only", "wsl.chains", "--json", timeout_s=_RUN_TIMEOUT_S)
    (found,) = [one for one in json.loads(done.stdout)["findings"] if one["code"] == "wsl.chains"]
    assert (done.returncode, found["status"]) == (11, "fail")
    assert any(evidence in line for line in found["evidence"]), found
    assert found["fix"]["command"] == "wslnet restart"
    restarted = wslnet(*inventory, "restart", "--yes", "--json", timeout_s=_RUN_TIMEOUT_S)
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    story.assert_whole()
    done = wslnet(*inventory, "doctor", "--only", "wsl.chains", "--json", timeout_s=_RUN_TIMEOUT_S)
    assert done.returncode == 0, done.stdout
