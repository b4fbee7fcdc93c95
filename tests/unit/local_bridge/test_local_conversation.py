"""The turn-taking of one session and what is made of messages that break a rule; no child, no time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from psrpcore.types import RunspacePoolState

from wslnet.transport.local_conversation import Conversation, ConversationError
from wslnet.transport.local_framing import POOL, Element, ElementReader, encode
from wslnet_lab.host.wire.fragments import MessageType, pack_message, split_message
from wslnet_win_agent.calls import network
from wslnet_win_agent.send import Batch

if TYPE_CHECKING:
    from wslnet.transport.local_exchange import Exchange

STATE = '<Obj RefId="0"><MS><I32 N="PipelineState">4</I32></MS></Obj>'


def sent(conversation: Conversation, now: float = 0.0) -> list[tuple[str, UUID]]:
    """What goes out now; as a server would, `ElementReader` reads no client's elements but Data."""
    lines = conversation.lines(now).decode().splitlines()
    return [(line[1:].partition(" ")[0], UUID(line.split("PSGuid='")[1][:36])) for line in lines]


class Server:
    """Answers by hand."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.number = 0

    def acknowledge(self, what: str, target: UUID = POOL) -> None:
        self.conversation.feed(encode(Element(f"{what}Ack", target)))

    def tell(self, kind: MessageType, body: str, target: UUID) -> None:
        pool = self.conversation._pool.runspace_pool_id
        self.number += 1
        for piece in split_message(pack_message(kind, body, pool, target), self.number):
            self.conversation.feed(encode(Element("Data", target, piece)))


@pytest.fixture
def server() -> Server:
    """A session whose pool is open."""
    conversation = Conversation(4)
    conversation.begin_open()
    assert sent(conversation) == [("Data", POOL)]
    one = Server(conversation)
    one.tell(
        MessageType.RUNSPACE_POOL_STATE, '<Obj RefId="0"><MS><I32 N="RunspaceState">2</I32></MS></Obj>', POOL
    )
    assert not conversation.open  # its acknowledgement is still under way
    one.acknowledge("Data")
    assert conversation.open
    return one


def begin(server: Server) -> Exchange:
    exchange = server.conversation.begin(Batch([network.adapters()]))
    assert sent(server.conversation) == [("Command", exchange.target)]
    server.acknowledge("Command", exchange.target)
    assert sent(server.conversation) == [("Data", exchange.target)]
    server.acknowledge("Data", exchange.target)
    return exchange


def test_one_element_is_under_way_for_each_target(server: Server) -> None:
    conversation = server.conversation
    first = conversation.begin(Batch([network.adapters()]))
    second = conversation.begin(Batch([network.routes()]))
    assert sent(conversation, 5.0) == [("Command", first.target), ("Command", second.target)]
    assert sent(conversation, 6.0) == []
    assert conversation.waiting_since() == 5.0
    server.acknowledge("Command", second.target)
    assert sent(conversation, 7.0) == [("Data", second.target)]
    assert (first.handed_over, second.handed_over) == (False, True)
    conversation.close(first)
    conversation.close_pool()
    assert sent(conversation, 8.0) == [("Close", POOL)]
    server.acknowledge("Command", first.target)
    server.acknowledge("Data", second.target)
    assert conversation.waiting_since() == 8.0


def test_an_acknowledgement_out_of_turn_ends_the_session(server: Server) -> None:
    exchange = server.conversation.begin(Batch([network.adapters()]))
    sent(server.conversation)
    with pytest.raises(ConversationError, match="DataAck came where CommandAck was due"):
        server.acknowledge("Data", exchange.target)
    with pytest.raises(ConversationError, match="CloseAck came where nothing was due"):
        server.acknowledge("Close")


def test_what_cannot_be_read_fails_its_pipeline_and_no_other(server: Server) -> None:
    spoilt, whole = begin(server), begin(server)
    server.tell(MessageType.PIPELINE_OUTPUT, "<S>before</S>", spoilt.target)
    server.tell(MessageType.PIPELINE_OUTPUT, "<S>a&#xFFFE;b</S>", spoilt.target)
    server.tell(MessageType.PIPELINE_OUTPUT, "<S>behind</S>", spoilt.target)
    server.tell(MessageType.PIPELINE_OUTPUT, "<S>fine _xD83D__xDE00_</S>", whole.target)
    for exchange in (spoilt, whole):
        assert exchange.state is None
        server.tell(MessageType.PIPELINE_STATE, STATE, exchange.target)
    reply = spoilt.reply(0.0)
    assert [each.value for each in reply.outputs] == ["before", "behind"]
    assert (reply.state, [each.fqid for each in reply.errors]) == ("Failed", ["WslnetUnreadableMessage"])
    assert "cannot be read" in reply.errors[0].message
    good = whole.reply(0.0)
    assert (good.ok, [each.value for each in good.outputs]) == (True, ["fine 😀"])


@pytest.mark.parametrize(
    "body", ["<Obj", "<S>x</S>", '<Obj RefId="0"><MS><I32 N="PipelineState">99</I32></MS></Obj>']
)
def test_an_end_that_cannot_be_read_is_an_end(server: Server, body: str) -> None:
    exchange = begin(server)
    server.tell(MessageType.PIPELINE_STATE, body, exchange.target)
    assert exchange.ended
    assert exchange.reply(0.0).state == "Failed"


def test_progress_that_cannot_be_read_is_noise(server: Server) -> None:
    exchange = begin(server)
    server.tell(MessageType.PROGRESS_RECORD, "<Obj", exchange.target)
    server.tell(MessageType.PIPELINE_STATE, STATE, exchange.target)
    assert exchange.reply(0.0).ok


def test_null_and_no_output_are_told_apart(server: Server) -> None:
    exchange = begin(server)
    server.tell(MessageType.PIPELINE_OUTPUT, "", exchange.target)
    server.tell(MessageType.PIPELINE_STATE, STATE, exchange.target)
    assert [each.value for each in exchange.reply(0.0).outputs] == [None]


def test_a_broken_pool_and_a_pool_message_that_cannot_be_read_end_the_session(server: Server) -> None:
    state = int(RunspacePoolState.Broken)
    body = f'<Obj RefId="0"><MS><I32 N="RunspaceState">{state}</I32></MS></Obj>'
    with pytest.raises(ConversationError, match="the session broke"):
        server.tell(MessageType.RUNSPACE_POOL_STATE, body, POOL)
    with pytest.raises(ConversationError, match="cannot be read"):
        server.tell(MessageType.RUNSPACE_POOL_STATE, "<Obj", POOL)
    with pytest.raises(ConversationError, match="damaged"):
        server.conversation.feed(b"<DataAck PSGuid='x' />\n")


def test_late_output_of_a_closed_pipeline_is_dropped(server: Server) -> None:
    exchange = begin(server)
    server.tell(MessageType.PIPELINE_STATE, STATE, exchange.target)
    server.conversation.close(exchange)
    assert sent(server.conversation) == [("Close", exchange.target)]
    server.acknowledge("Close", exchange.target)
    assert exchange.closed
    server.tell(MessageType.PIPELINE_OUTPUT, "<S>late</S>", exchange.target)
    assert exchange.outputs == []


def test_the_reader_of_elements_knows_no_requests() -> None:
    assert ElementReader().feed(encode(Element("Command"))) == []
