"""The mirror in a process of its own, which a command starts as it ends and does not wait for.

The command takes the mirror's lock and hands it on. A command that finds it taken starts nothing: whoever has it looks
once more when it has let go. What such a process says is in the lab's `mlflow.log`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from triadic.reports.tracking.database import try_lock
from triadic.reports.tracking.entries import unmirrored
from triadic.schema.errors import Unavailable
from triadic.schema.lab import Lab

PATIENCE = 1.0  # seconds a command waits for the lab's file before it leaves the look to the process
LOG = "mlflow.log"
STAMP = "%Y-%m-%d %H:%M:%S"
STAMPED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.+)")
BEGUN, FAILED = "at work", "Error: "


def start(lab: Lab, say: Callable[[str], None]) -> None:
    """See to it that a process brings the mirror up to date, if there is anything new; `say` is given the news.

    Raises NotFound when the lab is gone, Unavailable when its lock cannot be used.
    """
    with suppress(Unavailable):
        if not unmirrored(Lab(lab.path, PATIENCE)):
            return
    lock = try_lock(lab)
    if lock is not None:
        with lock:
            before = last_words(lab)
            if before.startswith(FAILED):
                say(f"Warning: {before.removeprefix(FAILED)}")
            _process(lab, lock)
    say("the MLflow mirror is being brought up to date in the background; `triadic ui` waits for it")


def problems(lab: Lab) -> list[str]:
    """What `triadic doctor` says of a mirror that did not get done in the background; empty when all is well."""
    words = last_words(lab)
    if not words.startswith((BEGUN, FAILED)) or not (left := unmirrored(lab)):
        return []
    with suppress(Unavailable):
        lock = try_lock(lab)
        if lock is None:  # it is still at work
            return []
        lock.close()
    why = words.removeprefix(FAILED)
    if words == BEGUN:
        why = "the process that wrote them was killed: `triadic status --mirror` goes on"
    return [f"mirror: {len(left)} of the finished runs are not in MLflow; {why}"]


def last_words(lab: Lab) -> str:
    """What a process said last of its work; nothing where none has worked."""
    try:
        lines = (lab.path / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((found[1] for line in reversed(lines) if (found := STAMPED.fullmatch(line))), "")


def _process(lab: Lab, lock: IO[str]) -> None:
    """Its folder is the lab, so that it finds a lab that is moved meanwhile, and none that is made in its place."""
    command = [sys.executable, "-m", __package__, str(lock.fileno())]
    with (lab.path / LOG).open("a") as log:
        child = subprocess.Popen(
            command,
            cwd=lab.path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,  # the terminal's end and its Ctrl-C are not for it
        )
    threading.Thread(target=child.wait, daemon=True).start()  # no zombie where this process goes on
