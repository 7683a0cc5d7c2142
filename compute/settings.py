"""What a user can set, stated once: defaults, types, help. The command line is built from these; nothing heavy is imported.

What decides a result is part of a run's configuration, and so of its id; `device`, `concurrency` and the like are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Annotated, Any

from triadic.schema.errors import BadInput, Conflict
from triadic.schema.options import Option
from triadic.schema.vocabulary import AnswerKind, AnswerMode, Framing, Orders

DTYPES = ("bfloat16", "float32", "float16")
# Where it was computed, and what is stored with the estimator's other parameters.
_NOT_STORED = ("device", "parameters")


def _dims(text: str) -> int | None:
    if text != "auto" and not text.isdigit():
        raise BadInput(f"--dims is a number or auto, not {text!r}")
    return None if text == "auto" else int(text)


def _parameter(text: str) -> tuple[str, float | int | None]:
    """`mu=0.05` as a pair; a whole number stays one, none is None."""
    name, equals, value = text.partition("=")
    try:
        if not equals:
            raise ValueError
        number = None if value == "none" else float(value)
    except ValueError:
        raise BadInput(f"--parameter is NAME=NUMBER, such as mu=0.05, not {text!r}") from None
    whole = number is not None and number.is_integer() and "." not in value and "e" not in value.lower()
    return name.strip(), int(number) if whole and number is not None else number


def _losses() -> str:
    from triadic.compute.ordinal import LOSSES

    return ", ".join(LOSSES)


def _parameters() -> str:
    from triadic.compute.ordinal import LOSSES

    return "; ".join(f"{name}: {', '.join(loss.own_parameters())}" for name, loss in LOSSES.items())


@dataclass(frozen=True)
class JudgeSettings:
    """How a rater is asked. None means the judge's own default."""

    answer: Annotated[
        AnswerMode,
        Option("Compare the options' log-probabilities, or let the model write.", choices=("score", "sample")),
    ] = AnswerMode.score
    framing: Annotated[Framing, Option("Which of two is more similar to the anchor, or which of three is odd.")] = (
        Framing.anchored
    )
    orders: Annotated[Orders, Option("Ask each question as drawn, or both ways round.")] = Orders.drawn
    repeats: Annotated[int, Option("Ask each question so many times.", flag="--repeat")] = 1
    device: Annotated[str | None, Option("cpu, cuda, mps", unset="the best there is")] = None
    dtype: Annotated[str | None, Option("Type of the weights.", choices=DTYPES, unset="bfloat16")] = None
    max_tokens: Annotated[
        int | None, Option("Tokens a written answer may take.", unset="24, or 64 for a base model")
    ] = None
    batch_size: Annotated[
        int | None, Option("Questions asked and saved together", unset="what half a minute answers")
    ] = None
    concurrency: Annotated[int, Option("Requests in flight, for a model on a server.")] = 8
    trust_remote_code: Annotated[bool, Option("Let the checkpoint run its own code.")] = False
    allow_pickle: Annotated[bool, Option("Accept pickled weights.")] = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, words in (("answer", AnswerMode), ("framing", Framing), ("orders", Orders)):
            _as_word(self, name, words)
        _at_least(self, 1, "repeats", "max_tokens", "batch_size", "concurrency")


@dataclass(frozen=True)
class FitSettings:
    """How to fit. The defaults are the paper's: 30 dimensions, crowd-kernel loss, 20% of the answers held out.

    `n_dims` None chooses the smallest d whose held-out accuracy is within one standard error of the best.
    `parameters` are the loss's own, by name: what is left out has the estimator's default.
    """

    algorithm: Annotated[str, Option("Loss to fit with:", more=_losses)] = "ckl"
    n_dims: Annotated[int | None, Option("Dimensions, or auto.", flag="--dims", parse=_dims)] = 30
    heldout_share: Annotated[float, Option("Share of questions held out.", flag="--heldout")] = 0.2
    n_restarts: Annotated[int, Option("Random starts; the best is kept.", flag="--restarts")] = 1
    answers: Annotated[AnswerKind, Option("Fit the choices, or the log-probabilities.", flag="--fit-to")] = (
        AnswerKind.hard
    )
    temperature: Annotated[float, Option("Of graded answers.")] = 1.0
    patience: Annotated[
        int | None, Option("Stop early after so many steps without a better held-out loss.", unset="never")
    ] = None
    parameters: Annotated[
        tuple[tuple[str, float | int | None], ...],
        Option(
            "A parameter of the loss or its solver:", flag="--parameter", parse=_parameter, many=True, more=_parameters
        ),
    ] = ()
    device: Annotated[
        str | None, Option("Fit with torch, on cpu or cuda", unset="numpy, the quickest on a processor")
    ] = None

    def __post_init__(self) -> None:
        _as_word(self, "answers", AnswerKind)
        if not self.temperature > 0:
            raise BadInput(f"temperature is {self.temperature}: it must be above 0")


@dataclass(frozen=True)
class AlignSettings:
    """How many draws of each kind. 0 leaves a kind out; `metrics` None takes every metric the data allow."""

    metrics: Annotated[
        tuple[str, ...] | None, Option("Only this metric; may be given more than once.", flag="--metric", many=True)
    ] = None
    n_permutations: Annotated[int, Option("Shuffles of the concepts.", flag="--permutations")] = 1000
    n_coin_flips: Annotated[int, Option("Refits to coin flips.", flag="--coin-flips")] = 200
    n_bootstraps: Annotated[int, Option("Refits to resampled answers.", flag="--bootstraps")] = 100
    n_concept_bootstraps: Annotated[int, Option("Resamples of the concepts.", flag="--concept-bootstraps")] = 1000
    n_ceiling: Annotated[int, Option("Refits to simulated people.", flag="--ceilings")] = 20
    n_split_halves: Annotated[int, Option("Halves of the lab's own people.", flag="--split-halves")] = 20
    device: Annotated[str | None, Option("Refit with torch, on cpu or cuda", unset="numpy, one fit after another")] = (
        None
    )

    def __post_init__(self) -> None:
        _at_least(self, 0, *(each.name for each in fields(self) if each.name.startswith("n_")))
        object.__setattr__(self, "metrics", tuple(self.metrics or ()) or None)


@dataclass(frozen=True)
class RunSettings:
    """Everything `triadic run` decides for one rater: how it is asked, how its answers are fitted and compared."""

    judge: JudgeSettings = field(default_factory=JudgeSettings)
    fit: FitSettings = field(default_factory=FitSettings)
    align: AlignSettings = field(default_factory=AlignSettings)
    seed: Annotated[int, Option("Of the split into fitted and held-out answers, the random starts and all draws.")] = 0


def stored(settings: FitSettings | AlignSettings) -> dict[str, Any]:
    """Settings as a run's configuration holds them: all that decides the result, as JSON has it.

    A loss's `parameters` are left out: the configuration holds all of the estimator's, given or not.
    """
    config = {name: value for name, value in asdict(settings).items() if name not in _NOT_STORED}
    return {name: _plain(value) for name, value in config.items()}


def restored(config: Mapping[str, Any]) -> FitSettings:
    """The fit settings that a run's configuration holds, every one of them: never today's defaults.

    Raises Conflict for a configuration that lacks one.
    """
    names = [each.name for each in fields(FitSettings) if each.name not in _NOT_STORED]
    lacking = [name for name in names if name not in config]
    if lacking:
        raise Conflict(f"the stored fit does not say its {', '.join(lacking)}: fit its answers again")
    parameters = tuple(sorted((name, value) for name, value in config.items() if name not in names))
    return FitSettings(**{name: config[name] for name in names}, parameters=parameters)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, StrEnum) else value


def _as_word(settings: Any, name: str, words: type[StrEnum]) -> None:
    """Turn a field given as text into its enum. Raises BadInput for a word that is none of it."""
    value = getattr(settings, name)
    if value not in list(words):
        raise BadInput(f"no {name} {value!r}: use one of {', '.join(words)}")
    object.__setattr__(settings, name, words(value))


def _at_least(settings: Any, least: int, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        if value is not None and value < least:
            raise BadInput(f"{name} is {value}: it must be at least {least}")
