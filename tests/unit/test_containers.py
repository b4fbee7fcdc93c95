"""Containers under mirrored mode: the verdict by rules and version, and daemon.json without a byte lost."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from wslnet.errors import PlanRefused
from wslnet.model.daemon_json import value_of, with_values
from wslnet.model.linux_facts import ContainerEngine, LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.profiles.containers import Case, against_userland, judge, rules_for
from wslnet.resources.daemon_json import DaemonJson

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))
NEEDS_SHARED = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared recordings are not here")
PUBLISHED = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"
SKIP = "-A DOCKER -d 127.0.0.0/8 -i loopback0 -j RETURN"
BRIDGES = {17: "docker0", 18: "br-328877c9e1c7"}
STALE = "-A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 1984 -j DROP"
ACCEPT = "-A PREROUTING -d 127.0.0.1/32 -i loopback0 -p tcp -m tcp --dport 1984 -j ACCEPT"


def machine(
    version: str | None, nat: list[str], raw: list[str] | None = None, settings: str | None = None
) -> LinuxFacts:
    lines = ["*raw", ":PREROUTING ACCEPT [0:0]", *(raw or []), "COMMIT"]
    lines += ["*nat", ":PREROUTING ACCEPT [0:0]", ":DOCKER - [0:0]", ":NETAVARK-DN-1 - [0:0]", *nat, "COMMIT"]
    firewall = Firewall({"iptables-nft": {"4": "\n".join(lines)}}, "iptables-nft")
    kept = None if settings is None else base64.b64encode(settings.encode()).decode()
    engine = "podman" if any("NETAVARK" in line for line in nat) else "docker"
    return LinuxFacts(firewall=firewall, engines=(ContainerEngine(engine, version, kept),))


def case_of(facts: LinuxFacts) -> tuple[Case, bool]:
    (verdict,) = judge(facts)
    return verdict.case, verdict.fixable


@pytest.mark.row("S3-45", "S3-51")
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (machine("26.1.5", []), (Case.NOTHING, False)),
        (machine("26.1.5", [PUBLISHED]), (Case.UNHANDLED, True)),
        (machine("26.1.5+dfsg1", [PUBLISHED]), (Case.UNHANDLED, True)),
        (machine("26.1.5", [PUBLISHED], settings='{"userland-proxy": false}'), (Case.UNHANDLED, False)),
        (machine("28.0.4", [SKIP, PUBLISHED]), (Case.HANDLED, False)),
        (machine("28.0.4", [PUBLISHED]), (Case.LATE, True)),
        (machine("28.0.4", [SKIP, PUBLISHED], [STALE]), (Case.STALE, True)),
        (machine("28.0.4", [SKIP, PUBLISHED], [STALE, ACCEPT]), (Case.STALE, True)),
        (machine("28.0.4", [SKIP, PUBLISHED], [ACCEPT, STALE]), (Case.HANDLED, False)),
        (machine("26.1.5", [PUBLISHED], settings='{"iptables": false}'), (Case.USERLAND, False)),
        (machine("5.4.0", [PUBLISHED.replace("DOCKER", "NETAVARK-DN-1")]), (Case.UNHANDLED, False)),
    ],
)
def test_the_case_is_told_by_rules_and_version(facts: LinuxFacts, expected: tuple[Case, bool]) -> None:
    assert case_of(facts) == expected


def test_an_engine_that_does_not_answer_is_not_judged() -> None:
    assert judge(machine(None, [PUBLISHED])) == ()


@pytest.mark.row("S3-50", "S3-52")
def test_each_fix_is_a_rule_before_the_engines_and_names_the_issue_it_stands_for() -> None:
    (late,) = judge(machine("26.1.5", [PUBLISHED]))
    (rule,) = rules_for("wsl", late)
    (change,) = rule.diff(machine("26.1.5", ["-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"]))
    assert (change.do.verb, change.do.args["position"]) == ("rule.insert", 1)
    assert "microsoft/WSL#10494" in change.why
    (stale,) = judge(machine("28.0.4", [], [STALE]))
    assert [one.name for one in rules_for("wsl", stale)] == ["rule containers loopback0 in raw PREROUTING"]
    (handled,) = judge(machine("28.0.4", [SKIP, PUBLISHED]))
    assert rules_for("wsl", handled) == ()


def test_published_ports_of_ours_are_asked_before_it() -> None:
    (verdict,) = judge(machine("26.1.5", [PUBLISHED]))
    (rule,) = rules_for("wsl", verdict)
    match = "-p tcp -m tcp --dport 2222 -m comment --comment 'wslnet:publish tcp/2222'"
    ours = f"-A PREROUTING {match} -j DNAT --to-destination 10.0.0.2:22"
    (change,) = rule.diff(machine("26.1.5", [ours, "-A PREROUTING -j DOCKER"]))
    assert change.do.args["position"] == 2


@pytest.mark.row("S3-48")
def test_what_speaks_against_the_userland_proxy_is_counted() -> None:
    bridges = [f"-A POSTROUTING -s 172.{n}.0.0/16 ! -o {name} -j MASQUERADE" for n, name in BRIDGES.items()]
    found = against_userland(machine("26.1.5", [PUBLISHED, *bridges]))
    assert found == (
        "1 published ports would each be carried by a process",
        "2 networks are kept apart by its rules: br-328877c9e1c7, docker0",
    )
    assert against_userland(machine("26.1.5", bridges[:1])) == ()


@NEEDS_SHARED
@pytest.mark.corpus
def test_a_saved_machine_with_dockers_drop_for_a_local_port() -> None:
    saved = (SHARED / "corpus/linux/iptables-save-1.8.11-docker-new-chains.txt").read_text()
    firewall = Firewall({"iptables-nft": {"4": saved}}, "iptables-nft")
    facts = LinuxFacts(firewall=firewall, engines=(ContainerEngine("docker", "28.0.4"),))
    (verdict,) = judge(facts)
    assert verdict.case is Case.STALE
    assert [line.split(":")[0] for line in verdict.evidence] == ["raw PREROUTING rule 3"]


@NEEDS_SHARED
@pytest.mark.corpus
def test_saved_settings_keep_every_other_byte() -> None:
    for name in ("daemon-14lee.json", "daemon-kevinnitro.json", "daemon-moby-invalid-config-1.json"):
        text = (SHARED / "corpus/linux" / name).read_bytes().decode()
        changed = with_values(text, {"iptables": False, "userland-proxy": True})
        assert json.loads(changed) == json.loads(text) | {"iptables": False, "userland-proxy": True}
        kept = iter(changed)
        assert all(letter in kept for letter in text), name
    broken = (SHARED / "corpus/linux/daemon-moby-malformed-config.json").read_text()
    with pytest.raises(PlanRefused, match="no valid JSON"):
        with_values(broken, {"iptables": False})


@pytest.mark.row("S3-49")
def test_docker_is_restarted_until_its_settings_are_in_force() -> None:
    def changes(settings: str, *, outdated: bool, restart: bool) -> list[object]:
        kept = base64.b64encode(settings.encode()).decode()
        facts = LinuxFacts(engines=(ContainerEngine("docker", "26.1.5", kept, outdated),))
        done = DaemonJson("wsl", {"iptables": False}, "why", restart=restart).diff(facts)
        return [op.args.get("restart") for one in done for op in (one.do, one.undo) if op is not None]

    assert changes("{}", outdated=False, restart=True) == [True, True]
    assert changes('{"iptables": false}', outdated=True, restart=True) == [True, True]
    assert changes('{"iptables": false}', outdated=False, restart=True) == []
    assert changes("{}", outdated=False, restart=False) == [None, None]
    assert changes('{"iptables": false}', outdated=True, restart=False) == []


@pytest.mark.row("S3-47")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, '{\n  "iptables": false\n}\n'),
        ("{}", '{"iptables": false}'),
        ('{"a": 1}', '{"iptables": false, "a": 1}'),
        ('{\r\n\t"a": 1\r\n}', '{\r\n\t"iptables": false,\r\n\t"a": 1\r\n}'),
        ('{ "a":{"iptables":1} , "iptables" :true }', '{ "a":{"iptables":1} , "iptables" :false }'),
        ('{"iptables": false}', '{"iptables": false}'),
    ],
)
def test_one_value_changes_and_no_other_byte(text: str | None, expected: str) -> None:
    assert with_values(text, {"iptables": False}) == expected
    assert value_of(expected, "iptables") is False


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1, "a": 2}', "nonsense"])
def test_what_is_no_settings_file_is_refused(text: str) -> None:
    with pytest.raises(PlanRefused):
        with_values(text, {"iptables": False})
