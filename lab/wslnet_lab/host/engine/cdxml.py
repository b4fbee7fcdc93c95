"""The behaviour that the engine generates for every CDXML command, over a `Provider` (cdxml-facts 1 to 5)."""

from __future__ import annotations

import uuid
from dataclasses import replace

from wslnet_lab.host.contract import CimInstance, CommandError, PlainObject, Progress
from wslnet_lab.host.engine import cim_errors
from wslnet_lab.host.engine.cdxml_acts import act_on_row, act_without_row
from wslnet_lab.host.engine.cdxml_call import Call
from wslnet_lab.host.engine.preferences import SILENT, CommandSink, PipelineStopped
from wslnet_lab.host.engine.provider import ProviderError, Query
from wslnet_lab.host.engine.registry import Act
from wslnet_lab.host.engine.roles import association_of, filters_of
from wslnet_lab.host.engine.selection import not_found, select
from wslnet_lab.host.engine.silence import Silence, drop

_LOCAL = frozenset({"", ".", "localhost"})
_WITHOUT_ROWS = frozenset({Act.CREATE, Act.STATIC})
_NO_THROTTLE = 1
# The last one is not recorded: named as the other two are.
_OPERATIONS = {
    Act.CREATE: "cim:CreateInstance",
    Act.MODIFY: "cim:ModifyInstance",
    Act.DELETE: "cim:DeleteInstance",
}


def run_cdxml(call: Call) -> None:
    """Runs one record's worth of a CDXML command.

    Raises:
        CommandError: A prompt that cannot be asked, an error of severity 7, ErrorAction Stop.
        PipelineStopped: The client asked to stop.
    """
    if call.given("AsJob"):
        _run_as_job(call)
        return
    for computer in _computers(call):
        if not _acted(call, computer):
            return
    if call.stopped is not None:
        raise call.stopped
    call.sink.notice(
        Progress(call.signature.name, "1/1 completed", completed=True, percent=100, seconds_left=0)
    )


def _computers(call: Call) -> list[str | None]:
    """The sessions that answer; None is the local machine without a session.

    Raises:
        CommandError: The only one does not answer.
    """
    names = call.values.get("CimSession")
    if not isinstance(names, list):
        return [None]
    known = _LOCAL | {call.place.computer_name.lower()}
    alive: list[str | None] = [str(name) for name in names if str(name).lower() in known]
    for name in names:
        if name in alive:
            continue
        details = cim_errors.broken_session(call.signature.name, call.command.class_name, str(name))
        if not alive:
            raise CommandError(details)
        call.error(details)
    return alive


def _acted(call: Call, computer: str | None) -> bool:
    """Acts through one session; False when a prompt stood in the way and silence was wanted."""
    if call.command.act in _WITHOUT_ROWS:
        if not _confirmed(call, None):
            return False
        if not call.given("WhatIf"):
            _guard(call, computer, None)
        return True
    for row in _rows(call, computer):
        if call.sink.stopping():
            raise PipelineStopped
        if call.command.act is Act.GET:
            call.emit(row, computer)
            continue
        if not _confirmed(call, row):
            return False
        if not call.given("WhatIf"):
            _guard(call, computer, row)
        if call.stopped is not None and call.values.get("ThrottleLimit") == _NO_THROTTLE:
            break
    return True


def _confirmed(call: Call, row: CimInstance | None) -> bool:
    """Stands in for the confirmation. Under SilentlyContinue a prompt ends the command without a word.

    Raises:
        CommandError: It would be asked, and no host can (cdxml-facts 1.2).
    """
    confirm = call.values.get("Confirm")
    asks = confirm is True or (call.command.prompts and confirm is not False)
    if call.given("WhatIf"):
        return True
    call.sink.remark("verbose", _what_is_done(call, row))
    if not asks:
        return True
    if call.sink.error_action in SILENT:
        return False
    raise cim_errors.prompt_not_possible()


def _what_is_done(call: Call, row: CimInstance | None) -> str:
    """What a confirmation asks about and Verbose tells (corpus cim/ask_verbose)."""
    operation = _OPERATIONS.get(call.command.act) or call.command.method
    target = call.command.class_name if row is None else str(row)
    return f'Performing the operation "{operation}" on target "{target}".'


def _guard(call: Call, computer: str | None, row: CimInstance | None) -> None:
    try:
        if row is None:
            act_without_row(call, computer)
        else:
            act_on_row(call, row, computer)
    except ProviderError as error:
        call.report(error)


def _rows(call: Call, computer: str | None) -> list[CimInstance]:
    """The rows of InputObject, or those that a query with the given filters finds."""
    given = call.values.get("InputObject")
    if given is not None:
        items = given if isinstance(given, list) else [given]
        return [item for item in items if isinstance(item, CimInstance)]
    class_name = call.command.class_name
    filters = filters_of(call.command, call.signature, call.values)
    query = Query(
        class_name,
        {item.cim_property: item.values for item in filters},
        association_of(call.signature, call.values),
    )
    try:
        found = select(call.command.provider.query(query, call.context), filters)
    except ProviderError as error:
        call.report(error)
        return []
    for details in not_found(call.signature.name, class_name, filters, found):
        call.error(details)
    return [replace(row, computer_name=computer) if computer else row for row in found]


def _run_as_job(call: Call) -> None:
    """AsJob acts without asking; errors and outputs stay inside the job (cdxml-facts 1.4)."""
    values = {**call.values, "AsJob": False, "Confirm": False}
    inner = CommandSink(call.signature, {}, Silence(), drop)
    state = "Completed"
    try:
        run_cdxml(Call(call.command, call.signature, values, call.session, inner, call.place))
    except CommandError:
        state = "Failed"
    call.sink.output(
        PlainObject(
            ("System.Management.Automation.ThrottlingJob", "System.Management.Automation.Job"),
            {
                "HasMoreData": True,
                "StatusMessage": "1/1 completed",
                "Location": call.place.computer_name,
                "Command": call.signature.name,
                "InstanceId": str(uuid.uuid4()),
                "Name": "CimJob1",
                "PSJobTypeName": "CimJob",
            },
            notes={"State": state},
            to_string="System.Management.Automation.ThrottlingJob",
        )
    )
