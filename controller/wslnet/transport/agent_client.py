"""The controller's side of the Linux agent: sends ops, gives back results, trusts nothing that comes.

Frames are `wslnet_linux_agent.wire`; bytes move through a `Pipe`. No answer ever becomes an op here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, cast

from wslnet.errors import AgentError, OutcomeUnknown, Unreachable
from wslnet.model.change import Op, OpResult
from wslnet.transport.agent_text import clean, clean_line
from wslnet.transport.pipe import after
from wslnet_linux_agent import bundle, wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wslnet.model.change import JsonObject
    from wslnet.transport.pipe import Pipe

DEFAULT_TIMEOUT_S = 30.0
ERROR_CODES = frozenset(
    {"bad-op", "not-found", "exists", "not-permitted", "tool-missing", "timed-out", "failed", "not-run"}
)
_READS = frozenset({"facts", "probes", "listen", "unlisten", "guard.status", "lock.status", "guest.enter"})


class AgentClient:
    """One agent on one machine. One request at a time; use one client per thread."""

    def __init__(self, pipe: Pipe, machine: str) -> None:
        self.machine = machine
        self._pipe = pipe
        self._decoder = wire.Decoder()
        self._last_id = 0
        self._broken = False
        self._sent_parts: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether it can still be asked; after an error it cannot."""
        return not self._broken

    def close(self) -> None:
        """End the agent; nothing of it stays on the machine."""
        self._broken = True
        self._pipe.close()

    def run(self, ops: Sequence[Op], timeout_s: float = DEFAULT_TIMEOUT_S) -> tuple[OpResult, ...]:
        """Send ops in one request and give their results in order.

        `timeout_s` bounds the whole answer, however it is dripped.

        Raises:
            OutcomeUnknown: a changing op was sent and no proper answer came.
            DeadlineExceeded, Unreachable: no answer to ops that only read.
            AgentError: nonsense came as answer to ops that only read.
        """
        if self._broken:
            raise AgentError(f"{self.machine}: its agent has ended", machine=self.machine)
        self._last_id += 1
        parts = self._parts(ops)
        todo = [op.to_json() for op in (*parts, *ops)]
        request = wire.encode({"id": self._last_id, "ops": todo})
        deadline = after(timeout_s)
        try:
            self._pipe.send(request, deadline)
            return self._results(self._reply(deadline), len(todo))[len(parts) :]
        except (Unreachable, AgentError) as error:
            self.close()
            changing = sorted({op.verb for op in ops} - _READS)
            if changing:
                raise OutcomeUnknown(
                    f"{self.machine}: {', '.join(changing)} was sent and may have happened: {error.message}",
                    machine=self.machine,
                ) from error
            raise
        except BaseException:
            # Interrupted in mid-reply: the next reply would be taken for another request's.
            self.close()
            raise

    def call(self, verb: str, timeout_s: float = DEFAULT_TIMEOUT_S, **args: object) -> object:
        """Send one op and give its value.

        Raises:
            AgentError: the agent answered an error; `op_code` is its code. Else as `run`.
        """
        (result,) = self.run([Op(verb, args)], timeout_s)
        if not result.ok:
            raise AgentError(
                f"{self.machine}: {verb}: {result.message} ({result.code})",
                machine=self.machine,
                op_code=result.code,
            )
        return result.value

    def facts(self, needs: Iterable[str], timeout_s: float = DEFAULT_TIMEOUT_S) -> dict[str, object]:
        """Give facts by name, and `errors` if some could not be read (docs/protocols.md 1).

        Raises:
            AgentError: a fact is missing in the answer, or as `call`.
        """
        names = sorted(set(needs))
        found = self.call("facts", timeout_s, needs=names)
        if not isinstance(found, dict) or not all(name in found for name in names):
            raise self._nonsense("facts without what was asked for")
        return cast("dict[str, object]", found)

    def _parts(self, ops: Sequence[Op]) -> list[Op]:
        """Ops that send what these need and the bundle does not hold, once an agent."""
        found: dict[str, str] = {}
        for verb, args in _with_undo((op.verb, op.args) for op in ops):
            needs = args.get("needs")
            found |= bundle.parts_for(verb, needs if isinstance(needs, list) else ())
        fresh = [name for name in found if name not in self._sent_parts]
        self._sent_parts.update(fresh)
        return [Op("load", {"name": name, "source": found[name]}) for name in fresh]

    def _reply(self, deadline: float) -> dict[str, object]:
        try:
            while (reply := self._decoder.take()) is None:
                data = self._pipe.recv(deadline)
                if not data:
                    raise Unreachable(
                        f"{self.machine}: its agent ended without an answer", machine=self.machine
                    )
                self._decoder.feed(data)
            return cast("dict[str, object]", clean(reply))
        except (wire.FrameError, ValueError) as error:
            raise self._nonsense(str(error)) from error

    def _results(self, reply: dict[str, object], count: int) -> tuple[OpResult, ...]:
        results = reply.get("results")
        number = reply.get("id")
        if number != self._last_id or isinstance(number, bool):
            raise self._nonsense("an answer to another request")
        if not isinstance(results, list) or len(results) != count:
            raise self._nonsense("not one result for each op")
        return tuple(self._result(result) for result in results)

    def _result(self, result: object) -> OpResult:
        if isinstance(result, dict) and result.get("ok") is True and "value" in result:
            return OpResult(value=result["value"])
        error = result.get("error") if isinstance(result, dict) and result.get("ok") is False else None
        if isinstance(error, dict):
            code, message = error.get("code"), error.get("message")
            if isinstance(code, str) and code in ERROR_CODES and isinstance(message, str):
                return OpResult(code=code, message=clean_line(message))
        raise self._nonsense("a result that is none")

    def _nonsense(self, what: str) -> AgentError:
        return AgentError(f"{self.machine}: its agent sent {clean_line(what)}", machine=self.machine)


def _with_undo(ops: Iterable[tuple[str, JsonObject]]) -> Iterator[tuple[str, JsonObject]]:
    """Verbs and arguments of ops, and of those that a guard among them is to do later."""
    for verb, args in ops:
        yield verb, args
        undo = args.get("undo")
        if isinstance(undo, list):
            yield from _with_undo((op["verb"], op["args"]) for op in undo)
