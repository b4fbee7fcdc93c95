r"""`wslnet boot call`, run by the task `\wslnet\programs` as the distros' owner: programs that are asked for.

It runs WSL's own program, or probes this machine's own endpoint, for whoever may write into the owner's
profile, with the owner's rights and no more, and ends when nobody asks any longer. A request that lay there
for long is dropped: it was not for now.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from wslnet.errors import WslnetError
from wslnet.whole_file import write_whole
from wslnet_win_agent.boot.call_files import PROBE, Answer, Request, answer_name, is_owners
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from pathlib import Path

    from wslnet_win_agent.native import NativeRunner

IDLE_S = 20.0
"""How long it waits for the next request; longer than a controller takes it to be there."""

_FRESH_S = 60.0
_POLL_S = 0.05
_NAME = re.compile(r"call-(?P<call>[0-9a-f]{32})(?P<answer>\.answer)?\.json")


def serve_calls(
    folder: Path,
    runner: Callable[[], NativeRunner],
    probe: Callable[[float], None],
    *,
    idle_s: float = IDLE_S,
    fresh_s: float = _FRESH_S,
) -> None:
    """Runs what is asked for in `folder`, each request in a thread with a runner of its own.

    Args:
        folder: The owner's; made if it is missing.
        runner: Makes a runner.
        probe: Opens the endpoint of this machine, within so many seconds; raises WslnetError if it does not.
        idle_s: Ends after so many seconds without a request.
        fresh_s: How old a request or an answer may be, by the time of its file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    at_work: dict[str, threading.Thread] = {}
    asked_at = time.monotonic()
    while at_work or time.monotonic() - asked_at < idle_s:
        for call, path, request in _requests(folder, fresh_s, at_work):
            asked_at = time.monotonic()
            at_work[call] = threading.Thread(
                target=_serve, args=(path, call, request, runner(), probe), daemon=True
            )
            if not request.hold:
                path.unlink(missing_ok=True)  # taken: whoever finds it gone knows that it runs
            at_work[call].start()
        at_work = {call: thread for call, thread in at_work.items() if thread.is_alive()}
        time.sleep(_POLL_S)


def _requests(folder: Path, fresh_s: float, at_work: Container[str]) -> Iterator[tuple[str, Path, Request]]:
    """The requests to begin; what is too old, answers that nobody fetched too, is removed."""
    for path in sorted(folder.glob("call-*.json")):
        match = _NAME.fullmatch(path.name)
        if match is None or match["call"] in at_work:
            continue
        try:
            request = None if match["answer"] else Request.of(path.read_bytes())
            is_old = time.time() - path.stat().st_mtime > fresh_s
        except OSError:
            continue  # it was taken away while we looked
        if is_old:
            path.unlink(missing_ok=True)
        elif request is not None:
            yield match["call"], path, request


def _serve(
    path: Path, call: str, request: Request, runner: NativeRunner, probe: Callable[[float], None]
) -> None:
    answer_path = path.with_name(answer_name(call))
    try:
        answer = _run(request, runner, probe)
    except (WindowsAgentError, WslnetError) as error:
        answer = Answer(code=error.code, message=error.message)
    with suppress(OSError):  # without an answer the controller's own deadline says so
        write_whole(answer_path, answer.to_bytes())
    until = time.monotonic() + request.timeout_s
    while request.hold and not answer.code and path.exists() and time.monotonic() < until:
        time.sleep(_POLL_S)
    runner.close()
    path.unlink(missing_ok=True)


def _run(request: Request, runner: NativeRunner, probe: Callable[[float], None]) -> Answer:
    if request.argv == (PROBE,):
        probe(request.timeout_s)
        return Answer()
    if not is_owners(request.argv):
        raise WindowsAgentError("not-permitted", f"{request.argv[0]} is not run for anybody")
    if request.hold:
        runner.hold(request.argv)
        return Answer()
    result = runner.run(request.argv, timeout_s=request.timeout_s, stdin=request.stdin)
    return Answer(result.exit_code, result.stdout, result.stderr)
