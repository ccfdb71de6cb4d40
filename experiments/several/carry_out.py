"""All runs that a command asks for, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from experiments import run as shared
from experiments.cohorts import Cohort
from experiments.run import Command, Run
from experiments.several import page
from experiments.several.joining import Joining
from experiments.several.plan import Planned
from experiments.subjects import refuse_changed
from experiments.together import begin
from jaxqmri.cli.together import first_goes_first, is_first, is_one_of_several
from jaxqmri.io import InputError, bids


def carry_out_all(
    command: Command[Any],
    joining: Joining,
    carry_out: Callable[[Run[Any], Cohort], None],
    suffix: str | None,
) -> None:
    """Carry out the runs that are asked for; where there are several, join those complete.

    Parameters
    ----------
    command
        What was asked for.
    joining
        Which runs there are, and how they are joined.
    carry_out
        Carries one out: what is simulated where no data are given is told, not made yet.
    suffix
        Of the series that given data must have, told before a run folder is made; none when None.

    Raises
    ------
    InputError
        If the command or the data cannot be used. Of several runs the others are carried out
        first.
    """
    plan = joining.plan
    if not begin(command, f"experiments.{plan.name}"):
        return
    planned = plan.asked(command)
    if command.data is not None and suffix is not None:
        bids.find_series(command.data, suffix)
    if len(planned) == 1:
        if not _carry_out(planned[0], joining, carry_out):
            shared.say((planned[0].folder / "tables.md").read_text("utf-8"))
        return
    if is_first():
        page.claim_folder(joining, command)
    failed = []
    for number, one in enumerate(planned, start=1):
        shared.say(f"{one.name}, {number} of {len(planned)} runs: {one.folder}")
        made = False
        try:
            made = _carry_out(one, joining, carry_out)
        except InputError as error:
            # nothing to compare the others with, or other processes that cannot know
            if one is planned[0] or is_one_of_several():
                raise
            failed.append(one.name)
            print(f"{one.name}: {error}", file=sys.stderr)
        if is_first() and (made or one is planned[-1]):
            page.write(joining, command)
    shared.say(f"Report: {plan.summary_folder(command) / 'report.html'}")
    if failed:
        raise InputError(f"{len(failed)} of {len(planned)} runs failed: {', '.join(failed)}")


def _carry_out(
    planned: Planned, joining: Joining, carry_out: Callable[[Run[Any], Cohort], None]
) -> bool:
    """Carry one run out; whether there was anything to do."""
    with first_goes_first():
        run = Run(joining.plan.name, planned.command, planned.data)
        complete = run.complete
    if complete:
        refuse_changed(run.folder, joining.changed_since(run))
        shared.say(f"{run.folder}: complete; --overwrite makes it again\n")
        return False
    carry_out(run, planned.cohort)
    return True
