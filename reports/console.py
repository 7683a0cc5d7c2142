"""What the commands are built with: settings as options, the lab, output formats, reports, progress.

Defaults, types and help of options are stated where the settings are. Nothing heavier than click is imported up here.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triadic.schema.errors import TriadicError
from triadic.schema.options import Setting, settings_of

if TYPE_CHECKING:
    import pandas as pd

    from triadic.reports.report import Report
    from triadic.schema.lab import Lab

Function = Callable[..., Any]
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
PATH = click.Path(path_type=Path)


class Group(click.Group):
    """Lists commands in the order they are used, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class Reports(Group):
    """Its commands are the reports there are; their registry is loaded when the group is asked for them."""

    @functools.cached_property
    def reports(self) -> dict[str, click.Command]:
        from triadic.reports.registry import REPORTS, help_of

        return {name: report_command(name, make, help_of(make)) for name, make in REPORTS.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.reports)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.reports.get(cmd_name)


class Words(click.Choice[Any]):
    """The values of an enum, spelled as in the tables, where click would offer the names of its members."""

    def normalize_choice(self, choice: Any, ctx: click.Context | None) -> str:
        return str(choice)


class Parsed(click.ParamType[Any]):
    """Text that a setting reads by itself; what it cannot read ends as every other error does."""

    name = "text"

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self.parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self.parse(value) if isinstance(value, str) else value


class SettingOption(click.Option):
    """An option of a setting: what only a heavy module can tell is asked when the help is shown, not before."""

    def __init__(self, *args: Any, more: Callable[[], str] | None, unset: str | None, **attrs: Any) -> None:
        super().__init__(*args, **attrs)
        self.more, self.unset = more, unset

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        if self.more:
            self.help, self.more = f"{self.help} {self.more()}", None
        record = super().get_help_record(ctx)
        return (record[0], f"{record[1]}  [default: {self.unset}]") if record and self.unset else record


def option_of(setting: Setting, name: str) -> Callable[[Function], Function]:
    """A setting as an option whose value arrives as `name`; as an argument where it has no default."""
    option, kind, default = setting.option, setting.kind, setting.default
    words = option.choices or (tuple(kind) if issubclass(kind, StrEnum) else ())
    taken: Any = Parsed(option.parse) if option.parse else Words([kind(word) for word in words]) if words else kind
    if default is inspect.Parameter.empty:
        return click.argument(name, type=taken)
    return click.option(
        setting.flag if name == setting.name else "--" + name.replace("_", "-"),
        name,
        cls=SettingOption,
        type=taken,
        default=default.value if isinstance(default, StrEnum) else default,
        is_flag=kind is bool,
        multiple=option.many,
        callback=(lambda ctx, param, given: given or default) if option.many else None,
        help=option.help,
        more=option.more,
        unset=option.unset,
    )


def with_options(options: dict[str, Setting]) -> Callable[[Function], Function]:
    """Options for these settings, in this order."""

    def decorate(command: Function) -> Function:
        for name, setting in reversed(options.items()):
            command = option_of(setting, name)(command)
        return command

    return decorate


def with_settings(repeated: dict[str, str] | None = None, **sources: type) -> Callable[[Function], Function]:
    """Options for every setting of these dataclasses; the command is given each as an object, by its keyword.

    A setting that an earlier dataclass has too goes by its name in `repeated`, and is one option for all the later ones.
    """
    options: dict[str, Setting] = {}
    names: dict[str, dict[str, str]] = {source: {} for source in sources}
    for source, cls in sources.items():
        for setting in settings_of(cls):
            name = (repeated or {})[setting.name] if setting.name in options else setting.name
            options.setdefault(name, setting)
            names[source][setting.name] = name

    def decorate(command: Function) -> Function:
        @with_options(options)
        @functools.wraps(command)
        def gathered(*args: Any, **given: Any) -> Any:
            values = {name: given.pop(name) for name in options}
            made = {s: cls(**{key: values[name] for key, name in names[s].items()}) for s, cls in sources.items()}
            return command(*args, **made, **given)

        return gathered

    return decorate


def in_lab(create: bool = False, mirrored: bool = False) -> Callable[[Function], Function]:
    """Give the command the lab as its first argument; `--lab` works before and after the command's name.

    `create` makes the lab where there is none; `mirrored` brings MLflow up to date with what the command has done.
    """

    def decorate(command: Function) -> Function:
        @click.option("--lab", "folder", type=PATH, help="Folder of the lab  [default: $TRIADIC_LAB, or ./lab]")
        @functools.wraps(command)
        def opened(folder: Path | None, **options: Any) -> Any:
            from triadic.schema.lab import Lab

            folder = folder or click.get_current_context().obj or Path("lab")
            lab = Lab.create(folder) if create else Lab.open(folder)
            result = command(lab, **options)
            if mirrored:
                mirror(lab)
            return result

        return opened

    return decorate


def mirror(lab: Lab) -> None:
    """Show MLflow what is new in the lab."""
    from triadic.reports import tracking

    tracking.mirror(lab)


def say(text: str) -> None:
    """News for the person at the keyboard; results go to stdout."""
    click.echo(text, err=True)


def put(result: str | bytes) -> None:
    """A result: text with one line's end, or the bytes of a file."""
    click.echo(result.rstrip("\n") if isinstance(result, str) else result, nl=isinstance(result, str))


def put_frame(frame: pd.DataFrame, form: str = "table") -> None:
    """A DataFrame as a result."""
    from triadic.reports.output import render_frame

    put(render_frame(frame, "text" if form == "table" else form))


def listed(command: Callable[..., pd.DataFrame]) -> Function:
    """Print the DataFrame that the command returns in the format asked for."""

    @click.option(
        "--format",
        "form",
        type=click.Choice(["table", "csv", "json", "parquet"]),
        default="table",
        help="How it is printed.",
    )
    @functools.wraps(command)
    def printed(*args: Any, form: str, **options: Any) -> None:
        put_frame(command(*args, **options), form)

    return printed


def report_command(name: str, make: Callable[..., Report], about: str) -> click.Command:
    """The command of one report: its settings as options; printed, and saved where that is asked."""

    @with_options({setting.name: setting for setting in settings_of(make)})
    @click.option(
        "--format",
        "form",
        default="text",
        type=click.Choice(["text", "csv", "json", "latex", "markdown", "parquet"]),
        help="How it is printed.",
    )
    @click.option("--table", help="Only this table of the report.")
    @click.option("--save", is_flag=True, help="Every format and figure into the lab's reports/, and into MLflow.")
    @in_lab()
    def command(lab: Lab, form: str, table: str | None, save: bool, **settings: Any) -> None:
        from triadic.reports import output, saving

        found = make(lab.store, **settings)
        put(output.render(found, form, table))
        if save:
            say(f"saved in {saving.save(lab, found, settings)}")
            mirror(lab)

    return click.command(name, help=about)(command)


def progress_bar(what: str, unit: str = "answers") -> Callable[[int, int], None]:
    """A progress bar on stderr that appears with its first news; called with (done, total)."""
    line: Any = None

    def update(done: int, total: int) -> None:
        from tqdm import tqdm

        nonlocal line
        line = line or tqdm(desc=what, total=total, initial=done, unit=f" {unit}", dynamic_ncols=True, mininterval=0.5)
        line.update(done - line.n)
        if done >= total:
            line.close()

    return update


def exit_code_of(command: click.Command) -> int:
    """Run a command line; every error Triadic knows becomes one line on stderr and an exit code."""
    try:
        return command(standalone_mode=False) or 0
    except TriadicError as error:
        say(f"Error: {error}")
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("\nStopped. Everything answered so far is kept: the same command goes on from here.")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except OSError as error:
        say(f"Error: {error.filename or 'the system'}: {error.strerror or error}")
        return 1
