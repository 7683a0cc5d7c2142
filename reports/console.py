"""What the commands are built with: settings as options, the lab, output formats, reports, progress.

Defaults, types and help of options are stated where the settings are. Nothing heavier than click is imported up here.
"""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triadic.reports import completion
from triadic.reports.formats import FORMATS, format_of
from triadic.schema.commands import PATH, Function, Group, say, with_lab
from triadic.schema.errors import BadInput, TriadicError
from triadic.schema.options import Setting, settings_of

if TYPE_CHECKING:
    import pandas as pd

    from triadic.reports.report import Report
    from triadic.schema.lab import Lab

Names = tuple[str, ...]
WATCH_EVERY = 2.0  # seconds


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
    if taken is str:
        taken = completion.BY_SETTING.get(setting.name, str)
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


def in_lab(
    create: bool = False, mirrored: bool = False, check: Callable[[], None] | None = None
) -> Callable[[Function], Function]:
    """`with_lab`; `mirrored` brings MLflow up to date with what the command has done."""
    return with_lab(create, check, mirror if mirrored else None)


def mirror(lab: Lab) -> None:
    """Show MLflow what is new in the lab, without waiting for it."""
    from triadic.reports import tracking

    tracking.mirror(lab, say)


def put(result: str | bytes) -> None:
    """A result: text with one line's end, or the bytes of a file."""
    if isinstance(result, bytes) and sys.stdout.isatty():
        raise BadInput("Parquet is nothing to read on a screen: send it to a file with `> NAME.parquet`")
    click.echo(result.rstrip("\n") if isinstance(result, str) else result, nl=isinstance(result, str))


def put_frame(frame: pd.DataFrame, form: str = "table", columns: str | None = None) -> None:
    """A DataFrame as a result, in these columns; what `explained` says of it goes to stderr."""
    from triadic.reports.columns import pick
    from triadic.reports.output import render_frame

    remarks, shown = frame.attrs, pick(frame, columns)
    if len(shown) or form != "table":
        put(render_frame(shown, form, None if columns else terminal_width()))
    if news := remarks.get("then") if len(shown) else remarks.get("empty", "no rows"):
        say(news)


def terminal_width() -> int | None:
    """Columns of the terminal that is written to, or what COLUMNS says; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if os.environ.get("COLUMNS") or sys.stdout.isatty() else None


def printed_as(command: Function) -> Function:
    """The options of everything that prints a table."""
    command = click.option("--columns", help="Columns to show, in this order (a,b,c), or all.")(command)
    return click.option(
        "--format", "form", type=click.Choice(list(FORMATS)), default="table", help="How it is printed."
    )(command)


def listed(command: Callable[..., pd.DataFrame]) -> Function:
    """Print the DataFrame that the command returns, in the format and the columns asked for."""

    @printed_as
    @functools.wraps(command)
    def printed(*args: Any, form: str, columns: str | None, **options: Any) -> None:
        put_frame(command(*args, **options), form, columns)

    return printed


def kept(command: Callable[..., pd.DataFrame]) -> Function:
    """`listed`, and with `--output` written to a file, whose suffix says the format."""

    @click.option("--output", type=PATH, help="Write to this file instead: .csv, .parquet, .json, .md, .tex or .txt.")
    @printed_as
    @functools.wraps(command)
    def printed(*args: Any, output: Path | None, form: str, columns: str | None, **options: Any) -> None:
        if output is None:
            put_frame(command(*args, **options), form, columns)
            return
        from triadic.reports.columns import pick
        from triadic.reports.output import render_frame

        source = click.get_current_context().get_parameter_source("form")
        form = format_of(output) if source == click.core.ParameterSource.DEFAULT else form
        frame = pick(command(*args, **options), columns)
        content = render_frame(frame, form)
        output.write_bytes(content.encode() if isinstance(content, str) else content)
        say(f"{len(frame)} rows in {output}")

    return printed


def watched(command: Callable[..., pd.DataFrame]) -> Function:
    """`listed`, and with `--watch` listed anew every two seconds. Nothing is held open in between."""

    @click.option("--watch", is_flag=True, help=f"Again every {WATCH_EVERY:.0f} seconds, until Ctrl-C.")
    @printed_as
    @functools.wraps(command)
    def printed(*args: Any, watch: bool, form: str, columns: str | None, **options: Any) -> None:
        try:
            frame = command(*args, **options)
            while watch:
                click.clear()
                put_frame(frame, form, columns)
                time.sleep(WATCH_EVERY)
                frame = command(*args, **options)
        except KeyboardInterrupt:
            if not watch:
                raise
            return
        put_frame(frame, form, columns)

    return printed


def report_command(name: str, make: Callable[..., Report], about: str) -> click.Command:
    """The command of one report: its settings as options; printed, and saved where that is asked."""

    @with_options({setting.name: setting for setting in settings_of(make)})
    @click.option("--raters", "named", type=completion.RATERS, multiple=True, help="Only these (A,B), stand-ins too.")
    @click.option("--exclude", "excluded", type=completion.RATERS, multiple=True, help="All but these (A,B).")
    @printed_as
    @click.option("--table", help="Only this table of the report.")
    @click.option("--figure", help="Only draw this figure, into --output or NAME.pdf: a .pdf, .svg or .png of 300 dpi.")
    @click.option(
        "--output", "file", type=PATH, help="Write the table, figure or (.R) script for R to this file, by its suffix."
    )
    @click.option("--save", is_flag=True, help="Every format and figure into the lab's reports/, and into MLflow.")
    @in_lab()
    def command(
        lab: Lab,
        named: Names,
        excluded: Names,
        form: str,
        columns: str | None,
        table: str | None,
        figure: str | None,
        file: Path | None,
        save: bool,
        **settings: Any,
    ) -> None:
        from triadic.reports import figures, output, raters, saving, scripts
        from triadic.reports.columns import pick_tables

        chosen = raters.choose(lab.store, named, excluded)
        found = make(lab.store, **settings)
        found.notes += raters.notes(lab.store, chosen)
        if figure or (file and figures.is_figure(file)):
            say(f"drawn: {figures.save_one(found, figure, file)}")
            return
        if file and scripts.is_script(file):
            say(f"written: {', '.join(map(str, scripts.write(found, file)))}")
            return
        shown = pick_tables(found, columns, table)
        if file:
            content = output.render(shown, format_of(file), table)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
            say(f"written: {file}")
            return
        put(output.render(shown, form, table, None if columns else terminal_width()))
        for each in shown.tables if form in ("csv", "parquet", "json") else []:
            if not len(each.frame) and table in (None, each.name):
                say(f"table {each.name} has no rows: {each.empty or 'nothing to tell'}")
        if save:
            say(f"saved in {saving.save(lab, found, settings | chosen)}")
            mirror(lab)

    return click.command(name, help=about)(command)


def progress_bar(what: str, unit: str = "answers") -> Callable[[int, int], None]:
    """A progress bar on stderr, with rate and time left, that appears with its first news; called with (done, total)."""
    line: Any = None

    def update(done: int, total: int) -> None:
        from tqdm import tqdm

        nonlocal line
        if line is None:  # miniters: a slow model's every answer is shown, also after quick ones
            how = {"unit": f" {unit}", "dynamic_ncols": True, "mininterval": 0.5, "miniters": 1}
            line = tqdm(desc=what, total=total, initial=done, **how)
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
