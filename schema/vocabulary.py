"""The words that tables, settings and code share, each stated once. Their values are what the database holds."""

from __future__ import annotations

from enum import IntEnum, StrEnum

DEFAULT_SET = "things-128"  # the concept set that ships with Triadic: the paper's
PAPER_TRIPLETS = 35_000  # questions the paper asked each model
QUICK_TRIPLETS = 2_000  # questions of the demo: minutes instead of a quarter of an hour


class Stage(StrEnum):
    """What a run does."""

    judge = "judge"
    embed = "embed"
    align = "align"
    report = "report"


class Status(StrEnum):
    """What an event says of a run; a run without an event is planned."""

    started = "started"
    finished = "finished"
    failed = "failed"
    interrupted = "interrupted"


class RaterAction(StrEnum):
    """What an event says of a rater."""

    renamed = "renamed"
    removed = "removed"
    restored = "restored"


class SetAction(StrEnum):
    """What an event says of a triplet set: its name, or that it is asked where no other is named."""

    named = "named"
    main = "main"


class RaterKind(StrEnum):
    """What a rater is."""

    llm = "llm"
    human = "human"
    vectors = "vectors"
    simulated = "simulated"


class Evidence(StrEnum):
    """Who says what a model's ingredients are, the most trusted first."""

    user = "user"
    checkpoint = "checkpoint"
    suite = "suite"


class PromptStyle(StrEnum):
    """chat: the model's own chat template; base: plain text, open at its end."""

    chat = "chat"
    base = "base"


class Framing(StrEnum):
    """anchored: which of two is more similar to a third; odd-one-out: which of three does not belong."""

    anchored = "anchored"
    odd_one_out = "odd-one-out"


class AnswerMode(StrEnum):
    """How a rater answers: its options are scored, it writes, or the answers came from a file."""

    score = "score"
    sample = "sample"
    imported = "imported"


class Orders(StrEnum):
    """drawn: each question in the order it was drawn in; both: that and the other way round."""

    drawn = "drawn"
    both = "both"


class Choice(StrEnum):
    """left: anchor and left belong together; right: anchor and right; apart: left and right, the anchor is odd."""

    left = "left"
    right = "right"
    apart = "apart"


class InvalidReason(StrEnum):
    """Why an answer is no choice."""

    empty = "empty"
    truncated = "truncated"
    restated = "restated"
    refusal = "refusal"
    both = "both"
    neither = "neither"
    tie = "tie"


class AnswerKind(StrEnum):
    """What a fit takes: hard, the choices; graded, the log-probabilities."""

    hard = "hard"
    graded = "graded"


class Role(StrEnum):
    """What an embedding is for."""

    fitted = "fitted"
    reference = "reference"
    raw = "raw"


class DrawKind(StrEnum):
    """What was drawn again for a figure's chance, ceiling or interval."""

    permutation = "permutation"
    coin_flips = "coin_flips"
    ceiling = "ceiling"
    ceiling_deterministic = "ceiling_deterministic"
    split_half = "split_half"
    bootstrap_answers = "bootstrap_answers"
    bootstrap_concepts = "bootstrap_concepts"


class Origin(StrEnum):
    """Where the figures of a report come from."""

    published = "published"
    measured = "measured"
    both = "both"


class SeedStream(IntEnum):
    """The generator of each use of a run's seed is `numpy.random.default_rng([seed, stream])`: no two uses share one."""

    held_out = 1
    permutation = 2
    concepts = 3
    answers = 4
    coin_flips = 5
    people = 6
    halves = 7
    learning_curve = 8
    simulated_rater = 9
