"""Frames of the agent under arbitrary cuts and mutations: a document, a refusal, never anything else."""

from __future__ import annotations

import json
import random
import resource
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslnet.cli.output import print_error, print_json, print_line
from wslnet.engine.gather import decode
from wslnet.errors import DeadlineExceeded, WslnetError
from wslnet.model.change import Op
from wslnet.model.machine import Kind
from wslnet.transport.agent_client import AgentClient
from wslnet.transport.agent_text import clean
from wslnet.transport.pipe import left
from wslnet_linux_agent import wire

numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
documents = st.dictionaries(st.text(max_size=8), values, max_size=5)


@given(st.lists(documents, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_documents_survive_any_cut_of_the_stream(
    sent: list[dict[str, object]], chance: random.Random
) -> None:
    stream = b"".join(wire.encode(document) for document in sent)
    decoder = wire.Decoder()
    got = []
    while stream:
        size = chance.randint(1, 40)
        decoder.feed(stream[:size])
        stream = stream[size:]
        while (document := decoder.take()) is not None:
            got.append(document)
    assert got == sent


@given(values)
@settings(max_examples=200, deadline=None)
def test_cleaned_values_can_be_shown_and_keep_their_shape(value: object) -> None:
    shown = clean(value)
    assert type(shown) is type(value)
    assert clean(shown) == shown
    assert "\x1b" not in repr(shown).replace("\\x1b", "")


class Replay:
    """A pipe that gives a stream in random portions and then ends."""

    def __init__(self, stream: bytes, chance: random.Random) -> None:
        self.stream = stream
        self.chance = chance
        self.sent = b""

    def send(self, data: bytes, deadline: float) -> None:
        assert left(deadline) > 0
        self.sent += data

    def recv(self, deadline: float) -> bytes:
        assert left(deadline) > 0
        size = self.chance.randint(1, 4096)
        data, self.stream = self.stream[:size], self.stream[size:]
        return data

    def close(self) -> None:
        self.stream = b""


def mutate(frame: bytes, chance: random.Random) -> bytes:
    """Cut, flip, insert, double or announce too much, one to four times."""
    data = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        how = chance.randrange(6)
        if how == 0:
            del data[place:]
        elif how == 1 and place < len(data):
            data[place] ^= 1 << chance.randrange(8)
        elif how == 2:
            data[place:place] = chance.randbytes(chance.randint(1, 20))
        elif how == 3:
            data.extend(bytes(data))
        elif how == 4:
            data[:4] = chance.randrange(2**32).to_bytes(4, "big")
        else:
            del data[place : place + chance.randint(1, 8)]
    return bytes(data)


def ask(agent: AgentClient) -> str | None:
    """Ask for links; gives the error's message, None for a proper answer."""
    try:
        (result,) = agent.run([Op("facts", {"needs": ["links"]})], timeout_s=10)
    except WslnetError as error:
        return error.message
    return None if result.ok else result.message


def campaign(rounds: int, seed: int) -> int:
    chance = random.Random(seed)  # noqa: S311 - a campaign must be repeatable
    good = wire.encode(
        {
            "id": 1,
            "results": [
                {"ok": True, "value": {"links": [{"name": f"eth{n}", "mtu": 1500} for n in range(9)]}}
            ],
        }
    )
    refused = 0
    for _ in range(rounds):
        pipe = Replay(mutate(good, chance), chance)
        agent = AgentClient(pipe, "vm1")
        started = time.monotonic()
        complaint = ask(agent)
        assert agent.alive is (complaint is None)
        assert "\n" not in (complaint or "")
        refused += complaint is not None
        assert time.monotonic() - started < 5
        decoder = wire.Decoder()
        decoder.feed(pipe.sent)
        assert decoder.take() == {"id": 1, "ops": [{"verb": "facts", "args": {"needs": ["links"]}}]}
        assert decoder.take() is None
    print(f"mutated agent frames: {rounds}, {refused} refused")  # noqa: T201 - the campaign's count
    return refused


class Drip(Replay):
    """Gives a byte at a time and never ends by itself."""

    def recv(self, deadline: float) -> bytes:
        if left(deadline) == 0:
            raise DeadlineExceeded("vm1: too late")
        time.sleep(0.005)
        data, self.stream = self.stream[:1], self.stream[1:] + self.stream[:1]
        return data


class Mute(Replay):
    """Says nothing."""

    def recv(self, deadline: float) -> bytes:
        time.sleep(left(deadline))
        raise DeadlineExceeded("vm1: too late")


def answer(value: object) -> bytes:
    return wire.encode({"id": 1, "results": [{"ok": True, "value": value}]})


def framed(text: bytes) -> bytes:
    """A frame that our own side would not make."""
    body = zlib.compress(text)
    return struct.pack(">I", len(body)) + body


ESCAPES = "eth0\x1b]0;owned\x07\x9b31m\u202e\r\n"
OPS = {"ops": [{"verb": "rule.delete", "args": {}}], "verb": "load", "links": []}
HOSTILE: dict[str, bytes] = {
    "a length of 2 GiB": b"\x7f\xff\xff\xff" + bytes(100),
    "a length beyond": b"\xff\xff\xff\xff" + bytes(100),
    "a million links": framed(
        b'{"id":1,"results":[{"ok":true,"value":{"links":[' + b'{"name":"e"},' * 1_000_000 + b"{}]}}]}"
    ),
    "as many as fit": answer({"links": [{"index": n, "name": f"eth{n}"} for n in range(300_000)]}),
    "deep": answer({"links": [json.loads("[" * 900 + "]" * 900)]}),
    "wrong types": answer({"links": {"name": 7}}),
    "escapes in names": answer({"links": [{"name": ESCAPES, ESCAPES: ESCAPES, "index": 1}]}),
    "an op as answer": answer(OPS),
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_agent_takes_little_and_steers_nothing(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(3)  # noqa: S311 - the cuts of the stream
    stream = HOSTILE[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipe = Replay(stream, chance)
    began = time.monotonic()
    outcome = shown(AgentClient(pipe, "vm1"))
    assert time.monotonic() - began < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    printed = capsys.readouterr()
    assert all(one.isprintable() or one == "\n" for one in printed.out + printed.err), outcome
    decoder = wire.Decoder()
    decoder.feed(pipe.sent)
    assert decoder.take() == {"id": 1, "ops": [{"verb": "facts", "args": {"needs": ["links"]}}]}
    assert decoder.take() is None


@pytest.mark.parametrize("kind", [Drip, Mute])
def test_an_agent_that_drips_or_says_nothing_has_its_time(kind: type[Replay]) -> None:
    frame = b"\x00\x0f\xff\xff" + bytes(64)
    agent = AgentClient(kind(frame, random.Random(3)), "vm1")  # noqa: S311 - unused here
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        agent.run([Op("facts", {"needs": ["links"]})], timeout_s=0.5)
    assert time.monotonic() - began < 5
    assert not agent.alive


def shown(agent: AgentClient) -> str:
    """Asks and prints what comes of it, for people and as JSON."""
    try:
        (result,) = agent.run([Op("facts", {"needs": ["links"]})], timeout_s=25)
        facts = decode(Kind.VM, "vm1", result.value)
    except WslnetError as error:
        for as_json in (True, False):
            print_error(error, as_json=as_json)
        return error.message
    print_line(str(facts.links)[:5000])
    print_json({"links": str(result.value)[:5000], "names": [link.name for link in (facts.links or ())[:5]]})
    return "answered"


def test_mutated_answers_are_refused_or_were_unharmed() -> None:
    refused = campaign(1_000, seed=7)
    assert refused > 500


@pytest.mark.full
@pytest.mark.timeout(900)
def test_very_many_mutated_answers() -> None:
    refused = campaign(100_000, seed=time.time_ns())
    assert refused > 50_000
