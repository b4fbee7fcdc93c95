"""What writes of providers share: refusing those who may not, hardware's refusals in Windows' words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category
from wslnet_lab.host.engine import Context, ProviderError, mi_error, win32_error
from wslnet_lab.host.hardware import HardwareError

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCESS_DENIED, INVALID_PARAMETER, OBJECT_EXISTS, NOT_FOUND = 5, 87, 5010, 1168


def require_admin(context: Context) -> None:
    """Raises `Windows System Error 5` unless the session may write (windows-facts 1.3)."""
    if not context.session.identity.admin and not context.session.identity.system:
        raise win32_error(ACCESS_DENIED, "Access is denied. ")


@contextmanager
def hardware_errors() -> Iterator[None]:
    """Turns a refusal of the hardware into the provider error that Windows has for it.

    `exists` and `not-found` have one; anything else is the lab's own failure and says so.
    """
    try:
        yield
    except HardwareError as error:
        if error.code == "exists":
            # 87 with "already exists" is the form of the field reports (windows-facts 1.3).
            raise win32_error(INVALID_PARAMETER, "Instance already exists") from error
        if error.code == "not-found":
            raise win32_error(NOT_FOUND, "Element not found. ") from error
        raise mi_error("Failed", f"lab hardware: {error}") from error


def bad_parameter(text: str) -> ProviderError:
    """`Windows System Error 87`: a value that the provider does not take."""
    return win32_error(INVALID_PARAMETER, text)


def not_supported(text: str) -> ProviderError:
    """What the lab does not model: the CIM status NotSupported, never a pretended success."""
    return mi_error("NotSupported", text)


def already_exists(text: str) -> ProviderError:
    """A key that is taken in a firewall store. The id is inferred: no field report of it was found."""
    return ProviderError("Windows System Error 183", text, category=Category.RESOURCE_EXISTS)
