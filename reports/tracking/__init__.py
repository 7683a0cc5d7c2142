"""The MLflow mirror: every finished run of the lab, as MLflow shows runs. DuckDB holds the truth.

One MLflow run per rater, with its ingredients as params and the figures of its newest fit as metrics, so that raters
compare side by side; under it one nested run per stage. What to write is what the lab has and MLflow has not: MLflow is
asked each time, so a mirror that was down, killed half way or deleted catches up by itself.

A command leaves the mirror to a process of its own and is done; `catch_up` is for who waits.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import IO

from triadic.reports.tracking import background
from triadic.reports.tracking.database import guarded, is_there, try_lock
from triadic.reports.tracking.entries import unmirrored
from triadic.schema.errors import NotFound, Unavailable
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Progress, silent

HOW = "TRIADIC_MIRROR"  # the environment variable that says how a command mirrors what it has done
WAYS = ("background", "wait", "off")


def mirror(lab: Lab, say: Callable[[str], None]) -> None:
    """What is new in the lab on its way into MLflow, for commands that have done their own work already. Never raises.

    In the background unless $TRIADIC_MIRROR is "wait" (the command ends when MLflow is up to date) or "off". `say` is
    given a line for the person at the keyboard; what goes wrong is one line of warning, and is written next time.
    """
    how, lab = os.environ.get(HOW) or WAYS[0], Lab(lab.path)  # all raters, whichever the command showed
    warn = logging.getLogger(__name__).warning
    try:
        if how == "wait":
            catch_up(lab, waiting=say)
        elif how != "off":
            if how not in WAYS:
                warn("Warning: %s is %r: use one of %s", HOW, how, ", ".join(WAYS))
            background.start(lab, say)
    except NotFound:
        return  # the lab is gone, and its mirror with it
    except (Unavailable, OSError) as error:
        warn("Warning: %s", error)


def catch_up(
    lab: Lab,
    thorough: bool = False,
    progress: Progress = silent,
    waiting: Callable[[str], None] = lambda line: None,
    lock: IO[str] | None = None,
) -> int:
    """Bring MLflow up to date with the lab; returns how many of the lab's runs are new there.

    MLflow is only opened when a finished run was never mirrored, or its database is gone; `thorough` compares the two in
    any case, so that runs deleted in MLflow, and ingredients given since, are written too. Another process that is at it
    is waited for, which `waiting` is told in a line; `lock` is for who is alone with the mirror already. Raises
    Unavailable, in one line, when MLflow's database cannot be used; nothing of the lab's is lost by that.
    """
    new, left = 0, unmirrored(lab)
    while thorough or left:
        with guarded(lab, waiting, lock) as held:
            from triadic.reports.tracking import sync  # MLflow takes seconds to load

            def watched(done: int, total: int, held: IO[str] = held) -> None:
                is_there(held)
                progress(done, total)

            new += sync.update(lab, watched, thorough)
        thorough, before, left = False, left, unmirrored(lab)  # who found the lock taken has left its runs to this one
        if not left or left == before or (lock := try_lock(lab)) is None:
            break
    return new
