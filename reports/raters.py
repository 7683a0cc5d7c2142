"""Which raters a report shows: those that `--raters` names, without those that `--exclude` does (view rater_shown)."""

from __future__ import annotations

from collections.abc import Iterable

from triadic.reports.columns import split_names
from triadic.schema.lookup import find_rater
from triadic.schema.store import Store

Chosen = dict[str, list[str]]


def choose(store: Store, named: Iterable[str] = (), excluded: Iterable[str] = ()) -> Chosen:
    """Narrow `store` to these raters; returns their ids, as the settings of a saved report have them (empty: all).

    Names are given with commas, or several times. Raises NotFound for one that no rater goes by.
    """
    given = {"raters": named, "excluded": excluded}
    found = {key: [find_rater(store, name) for name in split_names(names)] for key, names in given.items()}
    store.raters, store.excluded = tuple(found["raters"]), tuple(found["excluded"])
    return {key: ids for key, ids in found.items() if ids}


def notes(store: Store, chosen: Chosen) -> list[str]:
    """What a reader must know of the choice."""
    words = {"raters": "Only these raters", "excluded": "Without these raters"}
    names = (
        "SELECT rater_name FROM rater_current WHERE list_contains($1, rater_id) ORDER BY list_position($1, rater_id)"
    )
    return [f"{words[key]}: {', '.join(store.read(names, [ids]).rater_name)}." for key, ids in chosen.items()]


def stand_ins(store: Store, origin: str) -> list[str]:
    """A note on the raters with figures in this lab that answer by a rule, which no statistic over models takes."""
    if origin == "published":
        return []
    names = list(
        store.read(
            "SELECT DISTINCT rater_name FROM alignment JOIN rater_shown USING (rater_id, rater_name) "
            "WHERE is_stand_in AND NOT is_named ORDER BY 1"
        ).rater_name
    )
    if not names:
        return []
    return [
        f"Left out, being simulated or scripted: {', '.join(names)} ({len(names)}). `--raters A,B` takes whom it names."
    ]
