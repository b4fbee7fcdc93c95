"""Parameter names: exact, alias, or unambiguous beginning, in any case (binder-facts 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.engine.errors import ambiguous_parameter

if TYPE_CHECKING:
    from wslnet_lab.host.engine.signatures import Parameter, Signature

_DASHES = "-\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}"


def bare(sent: str) -> str:
    """A parameter's name as sent, without the dash, and with it one colon at the end (`-Name:`, jea-facts D).

    Without a dash a colon stays, and then no parameter has that name (binder-facts 3).
    """
    return sent[1:].rstrip().removesuffix(":") if sent[:1] and sent[0] in _DASHES else sent


def find_parameter(signature: Signature, sent: str) -> Parameter | None:
    """The parameter that `sent` names; None when nothing matches.

    An exact name or alias wins; among beginnings, a parameter of the
    command's own wins over common ones when it is the only own one.

    Raises:
        CommandError: `AmbiguousParameter`.
    """
    wanted = bare(sent)
    lowered = wanted.lower()
    starts: dict[str, Parameter] = {}
    for parameter in signature.parameters.values():
        for name in (parameter.name, *parameter.aliases):
            if name.lower() == lowered:
                return parameter
            if name.lower().startswith(lowered):
                starts[parameter.name] = parameter
    if len(starts) <= 1:
        return next(iter(starts.values()), None)
    own = [parameter for parameter in starts.values() if parameter.own]
    if len(own) == 1:
        return own[0]
    raise ambiguous_parameter(signature, wanted, starts)
