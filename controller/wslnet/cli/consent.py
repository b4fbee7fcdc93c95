"""Options by which the user agrees beforehand to what a run would else refuse or take back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from wslnet.model.consent import Consent
    from wslnet.profiles.modes import SetupOptions

allow_regression_option = click.option(
    "--allow-regression",
    "may_stop",
    multiple=True,
    metavar="A->B",
    help="A pair of machines that worked before may stop.",
)
accept_irreversible_option = click.option(
    "--accept-irreversible",
    "irreversible",
    is_flag=True,
    help="Also make changes that the plan says cannot be undone.",
)
force_option = click.option(
    "--force", is_flag=True, help="Go on when a VM does not shut down; it is cut off with WSL."
)


def consent_of(options: SetupOptions, *, irreversible: bool, force: bool) -> Consent:
    """What was agreed to, the pairs of the plan's own options included."""
    from wslnet.model.consent import Consent  # noqa: PLC0415 - kept out of `wslnet --help`

    return Consent(frozenset(options.allow_regression), irreversible, force)
