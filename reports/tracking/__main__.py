"""The process that `background.start` starts, in the lab's folder: the mirror's lock is the file with this number."""

from __future__ import annotations

import os
import sys
import time

from triadic.reports.tracking import catch_up
from triadic.reports.tracking.background import BEGUN, FAILED, STAMP
from triadic.schema.errors import TriadicError
from triadic.schema.lab import Lab


def main(number: int) -> int:
    """Bring the mirror of the lab in this folder up to date, politely; returns the exit code."""
    os.nice(10)
    begun = time.monotonic()
    with os.fdopen(number, "a") as lock:
        note(BEGUN)
        try:
            new = catch_up(Lab("."), lock=lock)
        except TriadicError as error:
            note(f"{FAILED}{error}")
            return 1
        note(f"{new} runs mirrored in {time.monotonic() - begun:.1f} s")
    return 0


def note(line: str) -> None:
    """A line of the log."""
    print(time.strftime(STAMP), line, flush=True)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
