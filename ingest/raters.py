"""What is decided about raters that are there: another name to show, or that reports leave one out. Nothing is deleted."""

from __future__ import annotations

from triadic.schema.errors import BadInput, Conflict
from triadic.schema.lab import Lab
from triadic.schema.lookup import find_rater
from triadic.schema.tables import RaterEvent
from triadic.schema.vocabulary import RaterAction


def rater_called(lab: Lab, name: str) -> str | None:
    """The id of the rater, removed or not, whose id or shown name that is in any case; None where there is none."""
    found = lab.store.value(
        "SELECT rater_id FROM rater_current WHERE lower($1) IN (lower(rater_id), lower(rater_name)) "
        "ORDER BY rater_name <> $1, rater_id <> $1, rater_id",
        [name],
    )
    return None if found is None else str(found)


def rename_rater(lab: Lab, name: str, new: str) -> str:
    """Show the rater called `name` as `new` from now on; returns the name it had. Both find it, and no run changes.

    Raises NotFound for an unknown rater, BadInput for a name that is empty or begins with a dash, Conflict for one that
    is another rater's, its id or the name it is shown by.
    """
    rater_id, new = find_rater(lab.store, name), new.strip()
    if not new or new.startswith("-"):
        raise BadInput(f"{new!r} is no name: give one that does not begin with a dash")
    taken = lab.store.value(
        "SELECT rater_name FROM rater_current WHERE rater_id <> $1 AND lower($2) IN (lower(rater_name), lower(rater_id))",
        [rater_id, new],
    )
    if taken:
        also = "" if taken.lower() == new.lower() else f" (the first name of {taken})"
        raise Conflict(f"{new} is the name of another rater in this lab{also}: choose another")
    before = str(lab.store.value("SELECT rater_name FROM rater_current WHERE rater_id = ?", [rater_id]))
    if before != new:
        lab.store.insert(RaterEvent, [RaterEvent(rater_id=rater_id, action=RaterAction.renamed.value, name=new)])
    return before


def remove_rater(lab: Lab, name: str, undo: bool = False) -> tuple[str, int]:
    """Leave a rater out of reports, or with `undo` take it in again; returns its name and how many answers it has.

    Every answer stays. Raises NotFound for an unknown rater.
    """
    rater_id = find_rater(lab.store, name, removed=True)
    shown, is_removed = lab.store.row(
        "SELECT rater_name, is_removed FROM rater_current WHERE rater_id = ?", [rater_id]
    ) or (name, undo)
    if is_removed == undo:
        action = RaterAction.restored if undo else RaterAction.removed
        lab.store.insert(RaterEvent, [RaterEvent(rater_id=rater_id, action=action.value)])
    n_answers = lab.store.value("SELECT count(*) FROM response JOIN run USING (run_id) WHERE rater_id = ?", [rater_id])
    return str(shown), int(n_answers or 0)
