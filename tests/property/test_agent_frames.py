"""Frames of the agent under arbitrary cuts and mutations: a document, a refusal, never anything else."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslnet.errors import WslnetError
from wslnet.model.change import Op
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
    return refused


def test_mutated_answers_are_refused_or_were_unharmed() -> None:
    refused = campaign(1_000, seed=7)
    assert refused > 500


@pytest.mark.full
@pytest.mark.timeout(900)
def test_very_many_mutated_answers() -> None:
    refused = campaign(100_000, seed=time.time_ns())
    assert refused > 50_000
