"""Settings stated once: a default, a type and a help text on one line, which the command line turns into an option.

A setting is a field of a dataclass, or a parameter of a function, annotated with an `Option`:

>>> from typing import Annotated
>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class FitSettings:
...     n_dims: Annotated[int, Option("Dimensions of the fitted space.", flag="--dims")] = 30
>>> [(s.name, s.flag, s.kind, s.default) for s in settings_of(FitSettings)]
[('n_dims', '--dims', <class 'int'>, 30)]

Parameters without an `Option` (the lab, a generator, a number for tests) are no settings. Nothing heavy is imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Option:
    """What a reader is told of a setting. `flag` where the option's name is not the setting's; `unset` says what None means.

    `parse` turns the text given into the value (raise BadInput for what cannot be one); `choices` are the values there are
    where the type, an enum, does not say so already. `many` is an option that may be given more than once, its values a
    tuple. `more()` is added to the help when it is shown, for what only a heavy module can tell.
    """

    help: str
    flag: str | None = None
    unset: str | None = None
    parse: Callable[[str], Any] | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    more: Callable[[], str] | None = None


@dataclass(frozen=True)
class Setting:
    """A setting as found: its name, the name of its option, its type (without None), default, and what is told of it."""

    name: str
    flag: str
    kind: type
    default: Any
    option: Option


def settings_of(source: Callable[..., Any]) -> list[Setting]:
    """The settings of a dataclass or of a function, in the order in which they are stated."""
    hints = get_type_hints(source, include_extras=True)
    found = []
    for parameter in inspect.signature(source).parameters.values():
        annotation = hints.get(parameter.name)
        option = next((each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Option)), None)
        if option is not None:
            flag = option.flag or "--" + parameter.name.replace("_", "-")
            found.append(Setting(parameter.name, flag, _kind(get_args(annotation)[0]), parameter.default, option))
    return found


def _kind(annotation: Any) -> Any:
    """The type of one value: `int` of `int | None`, `str` of `tuple[str, ...]`."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(each for each in get_args(annotation) if each is not NoneType)
    if get_origin(annotation) is tuple:
        annotation = get_args(annotation)[0]
    return annotation
