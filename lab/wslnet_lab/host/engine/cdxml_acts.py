"""What CDXML commands do to a provider: create, static method, and the three acts on one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.engine.provider import Query
from wslnet_lab.host.engine.registry import Act

if TYPE_CHECKING:
    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.engine.cdxml_call import Call


def act_without_row(call: Call, computer: str | None) -> None:
    """Creates an object and puts it out, or calls a static method and puts out what it gives.

    Raises:
        ProviderError: The provider refuses.
    """
    provider, command = call.command.provider, call.command
    if command.act is Act.CREATE:
        call.emit(provider.create(command.class_name, call.written, call.context), computer)
        return
    result = provider.invoke(None, command.method, call.written, call.context)
    if result.return_value:
        call.code(None, result.return_value)
        return
    for value in result.outputs:
        call.emit(value, computer)


def act_on_row(call: Call, row: CimInstance, computer: str | None) -> None:
    """Modifies, deletes or calls a method of one row; puts it out again with PassThru.

    Raises:
        ProviderError: The provider refuses.
    """
    provider, act = call.command.provider, call.command.act
    after = row
    if act is Act.MODIFY:
        after = provider.modify(row, call.written, call.context)
    elif act is Act.DELETE:
        provider.delete(row, call.context)
    else:
        result = provider.invoke(row, call.command.method, call.written, call.context)
        if result.return_value:
            call.code(row, result.return_value)
            return
        for value in result.outputs:
            call.emit(value, computer)
        after = _read_again(call, row)
    if call.given("PassThru"):
        call.emit(after, computer)


def _read_again(call: Call, row: CimInstance) -> CimInstance:
    if not call.given("PassThru"):
        return row
    keys = {key: row.properties[key].value for key in row.keys if key in row.properties}
    for found in call.command.provider.query(Query(call.command.class_name), call.context):
        if keys and all(found.properties[key].value == value for key, value in keys.items()):
            return found
    return row
