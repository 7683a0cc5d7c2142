"""The one tree of errors. Each says what, which id, and what to do next; `cli.main` turns it into one line and an exit code."""


class TriadicError(Exception):
    """Anything Triadic refuses or cannot do. `str(error)` is one clear line.

    `exit_code` is what the command line returns: 2 for input that must change, 1 for the rest.
    """

    exit_code = 1


class BadInput(TriadicError):
    """What was given cannot be used as it is: a malformed file, an impossible number, a wrong option."""

    exit_code = 2


class NotFound(BadInput):
    """A name that nothing in the lab (or on disk) answers to."""


class Conflict(BadInput):
    """What was given contradicts what is already stored, or was written by an incompatible version."""


class Unavailable(TriadicError):
    """Something outside did not answer: a locked database, a server, a download. Trying again may help."""
