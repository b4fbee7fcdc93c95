"""One half's guard as the controller finds it on Windows: its two files and its task."""

from __future__ import annotations

import ntpath
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_win_agent.boot.guard_files import NETWORK, WSL, Order, Report
from wslnet_win_agent.boot.places import DATA_FOLDER, OWNER_FOLDER, order_name, report_name
from wslnet_win_agent.calls import files
from wslnet_win_agent.calls import tasks as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.boot import RUNNING, task_states
from wslnet_win_agent.facts.files import read_file

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

_READS = 5
_READ_AGAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Post:
    """A half with what its files say; `half` is also its task's name."""

    half: str
    folder: str
    order: Order | None
    report: Report | None

    @property
    def is_settled(self) -> bool:
        """Whether it watches over nothing."""
        return self.report is None or self.report.is_settled

    def is_of(self, run: str, token: str) -> bool:
        """Whether its order is this run's."""
        return self.order is not None and self.order.is_of(run, token)

    def again(self, host: Host) -> Post:
        """The same with what the guard reports now."""
        return replace(self, report=Report.of(_content(host, self.folder, report_name(self.half))))

    def runs(self, host: Host) -> bool:
        """Whether the task runs."""
        return task_states(host).get(self.half) == RUNNING

    def start(self, host: Host) -> None:
        """Start the task on demand; one that runs already goes on."""
        host.attempt(calls.start(self.half), f"starting the task {self.half}")

    def write(self, host: Host, order: Order) -> None:
        """Write an order. Half a file is none: the guard passes it over and nothing is changed."""
        path = ntpath.join(self.folder, order_name(self.half))
        if self.order is None and _is_absent(host, self.folder):
            if self.folder == DATA_FOLDER:
                raise WindowsAgentError("not-found", f"there is no {DATA_FOLDER}: run wslnet boot install")
            host.attempt(files.new_folder(self.folder), f"making {self.folder}")
        host.attempt(files.write_bytes(path, order.to_bytes()), f"writing {path}")

    def forget(self, host: Host) -> None:
        """Remove the files, the order first: a report without an order is of the past."""
        for name in (order_name(self.half), report_name(self.half)):
            path = ntpath.join(self.folder, name)
            if read_file(host, path).content is not None:
                host.attempt(files.remove(path), f"removing {path}")


def posts(host: Host) -> tuple[Post, Post]:
    """Both halves as they stand."""
    owner = ntpath.join(host.user_profile, OWNER_FOLDER)
    return _post(host, NETWORK, DATA_FOLDER), _post(host, WSL, owner)


def _post(host: Host, half: str, folder: str) -> Post:
    order = Order.of(_content(host, folder, order_name(half)))
    return Post(half, folder, order, Report.of(_content(host, folder, report_name(half))))


def _is_absent(host: Host, folder: str) -> bool:
    return any(error.is_not_found for error in host.read([files.children(folder)]).errors)


def _content(host: Host, folder: str, name: str) -> bytes | None:
    """The bytes of a file, None when it is absent; one that is just being put in its place is read again."""
    for _ in range(_READS):
        try:
            state = read_file(host, ntpath.join(folder, name))
        except WindowsAgentError as error:
            if error.code == "timed-out":
                raise
        else:
            if state.error is None:
                return state.content
        time.sleep(_READ_AGAIN_S)
    return None
