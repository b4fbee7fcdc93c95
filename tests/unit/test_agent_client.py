"""The controller's side of the agent: what it takes from a machine that may be hostile, what it refuses."""

from __future__ import annotations

import json
import struct
import time
import zlib

import pytest

from wslnet.errors import AgentError, DeadlineExceeded, OutcomeUnknown, Unreachable
from wslnet.model.change import Op
from wslnet.transport.agent_client import AgentClient
from wslnet.transport.agent_text import clean, clean_line, clean_text
from wslnet.transport.pipe import left
from wslnet_linux_agent import wire

READ = Op("facts", {"needs": ["links"]})
WRITE = Op("sysctl.set", {"key": "net.ipv4.ip_forward", "value": "1"})
FINE = {"id": 1, "results": [{"ok": True, "value": {"links": []}}]}


class Script:
    """A pipe that answers what it was given, in portions; `pause` seconds before each."""

    def __init__(self, *portions: bytes, pause: float = 0.0) -> None:
        self.portions = list(portions)
        self.pause = pause
        self.sent = b""
        self.closed = False

    def send(self, data: bytes, deadline: float) -> None:
        del deadline
        self.sent += data

    def recv(self, deadline: float) -> bytes:
        if self.pause:
            time.sleep(min(self.pause, left(deadline)))
        if left(deadline) == 0:
            raise DeadlineExceeded("vm1: too late")
        return self.portions.pop(0) if self.portions else b""

    def close(self) -> None:
        self.closed = True


def client(*portions: bytes, pause: float = 0.0) -> tuple[AgentClient, Script]:
    pipe = Script(*portions, pause=pause)
    return AgentClient(pipe, "vm1"), pipe


def frame(text: bytes) -> bytes:
    body = zlib.compress(text)
    return struct.pack(">I", len(body)) + body


def test_a_request_goes_out_and_its_results_come_back() -> None:
    reply = wire.encode(
        {
            "id": 1,
            "results": [
                {"ok": True, "value": 3},
                {"ok": False, "error": {"code": "exists", "message": "there"}},
            ],
        }
    )
    agent, pipe = client(*(reply[place : place + 3] for place in range(0, len(reply), 3)))
    results = agent.run([READ, WRITE])
    assert [(r.ok, r.value, r.code, r.message) for r in results] == [
        (True, 3, "", ""),
        (False, None, "exists", "there"),
    ]
    decoder = wire.Decoder()
    decoder.feed(pipe.sent)
    assert decoder.take() == {"id": 1, "ops": [READ.to_json(), WRITE.to_json()]}
    assert agent.alive


def test_what_the_bundle_does_not_hold_is_sent_once_and_before_the_op_that_needs_it() -> None:
    told = {"ok": True, "value": {"state": "none"}}
    first, second = ({"id": 1, "results": [told] * 12}, {"id": 2, "results": [told]})
    agent, pipe = client(wire.encode(first), wire.encode(second))
    assert len(agent.run([READ, Op("guard.status")])) == 2
    assert agent.call("guard.status") == {"state": "none"}
    decoder = wire.Decoder()
    decoder.feed(pipe.sent)
    first_ops, again = decoder.take()["ops"], decoder.take()["ops"]  # type: ignore[index]
    loads, others = first_ops[:10], first_ops[10:]
    assert [op["verb"] for op in loads] == ["load"] * 10
    names = [op["args"]["name"].partition(".")[2] for op in loads]
    links = ["ops_bridge", "facts_bridging", "ops_uplink", "ops_manager"]
    assert names == [*links, "ops_nft", "ops_file", "ops_owned", "ops_persist", "ops_state", "ops_guard"]
    assert [op["verb"] for op in (*others, *again)] == ["facts", "guard.status", "guard.status"]


def test_ids_count_up_and_a_late_answer_to_another_request_is_refused() -> None:
    agent, _ = client(wire.encode(FINE), wire.encode(FINE))
    agent.run([READ])
    with pytest.raises(AgentError, match="vm1: its agent sent an answer to another request"):
        agent.run([READ])


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"id": 1},
        {"id": "1", "results": [{"ok": True, "value": 1}]},
        {"id": True, "results": [{"ok": True, "value": 1}]},
        {"id": 1, "results": {}},
        {"id": 1, "results": []},
        {"id": 1, "results": [{"ok": True, "value": 1}, {"ok": True, "value": 1}]},
        {"id": 1, "results": [None]},
        {"id": 1, "results": [{"ok": 1, "value": 1}]},
        {"id": 1, "results": [{"ok": True}]},
        {"id": 1, "results": [{"ok": False}]},
        {"id": 1, "results": [{"ok": False, "error": {"code": "no-such-code", "message": "x"}}]},
        {"id": 1, "results": [{"ok": False, "error": {"code": [], "message": "x"}}]},
        {"id": 1, "results": [{"ok": False, "error": {"code": "failed", "message": 7}}]},
    ],
)
def test_an_answer_of_the_wrong_shape_is_refused_and_ends_the_agent(reply: dict[str, object]) -> None:
    agent, pipe = client(wire.encode(reply))
    with pytest.raises(AgentError, match=r"^vm1: its agent sent "):
        agent.run([READ])
    assert pipe.closed
    assert not agent.alive
    with pytest.raises(AgentError, match="vm1: its agent has ended"):
        agent.run([READ])


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x80\x00\x00\x00" + bytes(64),
        b"\x00\x00\x00\x04abcd",
        frame(b"[]"),
        frame(b"nonsense"),
        frame(b'{"id":NaN}'),
        frame(b'{"id":' + b"9" * 5000 + b"}"),
        frame(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        frame(b'{"a":"\xff\xfe"}'),
        frame(b"{}")[:-2] + b"xx",
        struct.pack(">I", 20) + zlib.compress(b"{}") + bytes(10),
    ],
    ids=range(11),
)
def test_broken_frames_are_refused(data: bytes) -> None:
    agent, _ = client(data)
    with pytest.raises(AgentError):
        agent.run([READ])


def test_bombs_are_refused_before_they_take_memory() -> None:
    zeros = zlib.compress(bytes(300_000_000), 9)
    values = zlib.compress(b'{"a":[' + b"[]," * 4_000_000 + b"[]]}", 9)
    for body in (zeros, values):
        agent, _ = client(struct.pack(">I", len(body)) + body)
        started = time.monotonic()
        with pytest.raises(AgentError):
            agent.run([READ])
        assert time.monotonic() - started < 5


def test_an_answer_nested_deeper_than_any_honest_one_is_refused() -> None:
    value: object = 1
    for _ in range(200):
        value = [value]
    agent, _ = client(wire.encode({"id": 1, "results": [{"ok": True, "value": value}]}))
    with pytest.raises(AgentError, match="nested too deep"):
        agent.run([READ])


def test_a_drip_feed_gains_no_time() -> None:
    reply = wire.encode(FINE)
    agent, _ = client(*(reply[place : place + 1] for place in range(len(reply))), pause=0.1)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        agent.run([READ], timeout_s=0.35)
    assert time.monotonic() - started < 2


def test_an_agent_that_ends_without_an_answer() -> None:
    agent, _ = client(wire.encode(FINE)[:-1])
    with pytest.raises(Unreachable, match="vm1: its agent ended without an answer"):
        agent.run([READ])


@pytest.mark.parametrize("reply", [b"", wire.encode(FINE)[:-1], b"\xff\xff\xff\xff", wire.encode({"id": 9})])
def test_a_change_without_a_proper_answer_may_have_happened(reply: bytes) -> None:
    agent, _ = client(reply)
    with pytest.raises(OutcomeUnknown, match=r"vm1: sysctl\.set was sent and may have happened"):
        agent.run([READ, WRITE])


def test_one_op_gives_its_value_or_its_error() -> None:
    failed = {
        "id": 2,
        "results": [{"ok": False, "error": {"code": "not-found", "message": "no such\x1b[31m link"}}],
    }
    agent, _ = client(wire.encode({"id": 1, "results": [{"ok": True, "value": {}}]}), wire.encode(failed))
    assert agent.call("route.add", dst="default") == {}
    with pytest.raises(AgentError, match=r"^vm1: route\.add: no such.\[31m link \(not-found\)$") as raised:
        agent.call("route.add", dst="default")
    assert raised.value.op_code == "not-found"
    assert agent.alive


def test_facts_must_hold_what_was_asked_for() -> None:
    agent, _ = client(wire.encode({"id": 1, "results": [{"ok": True, "value": {"routes": []}}]}))
    with pytest.raises(AgentError, match="facts without what was asked for"):
        agent.facts(["links"])


def test_nothing_in_an_answer_is_ever_sent_back() -> None:
    evil = {"ops": [WRITE.to_json()], "verb": "rule.delete", "links": []}
    agent, pipe = client(
        wire.encode({"id": 1, "ops": [WRITE.to_json()], "results": [{"ok": True, "value": evil}]}),
        wire.encode({"id": 2, "results": [{"ok": True, "value": {"links": []}}]}),
    )
    agent.facts(["links"])
    agent.facts(["links"])
    decoder = wire.Decoder()
    decoder.feed(pipe.sent)
    for number in (1, 2):
        assert decoder.take() == {"id": number, "ops": [READ.to_json()]}
    assert decoder.take() is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("eth0", "eth0"),
        ("Ethernet 以太网", "Ethernet 以太网"),
        ("\x1b[2Jgone", "\ufffd[2Jgone"),
        ("a\nwslnet: all is well", "a\ufffdwslnet: all is well"),
        ("a\rb\x00c\x7f\x9b", "a\ufffdb\ufffdc\ufffd\ufffd"),
        ("\u202eevil\u2066", "\ufffdevil\ufffd"),
        ("half \ud800 pair", "half \ufffd pair"),
    ],
)
def test_text_for_the_terminal_is_harmless(said: str, shown: str) -> None:
    assert clean_line(said) == shown
    assert clean_line(said).encode("utf-8")


def test_saved_rules_keep_their_lines_and_nothing_else_does() -> None:
    assert clean_text("*filter\n\t-A x\r\x1b") == "*filter\n\t-A x\ufffd\ufffd"
    said = {"firewall": {"nft": "a\nb"}, "identity": {"hostname": "a\nb"}, "x\ny": ["a\nb", 1, None, True]}
    assert clean(said) == {
        "firewall": {"nft": "a\nb"},
        "identity": {"hostname": "a\ufffdb"},
        "x\ufffdy": ["a\ufffdb", 1, None, True],
    }


def test_a_reply_of_a_large_machine_passes() -> None:
    links = [
        {"index": number, "name": f"veth{number}", "flags": ["UP", "BROADCAST"]} for number in range(10_000)
    ]
    agent, _ = client(wire.encode({"id": 1, "results": [{"ok": True, "value": {"links": links}}]}))
    assert agent.facts(["links"])["links"] == json.loads(json.dumps(links))
