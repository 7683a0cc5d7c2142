"""The stages of the pipeline: each reads tables and writes tables, and does nothing twice."""

from collections.abc import Callable

Progress = Callable[[int, int], None]  # called with (how many are done, how many there are)


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""
