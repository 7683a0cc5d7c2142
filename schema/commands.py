"""What every command is built with: its lab, its group, and a word to the person at the keyboard.

Nothing heavier than click is imported up here, so that `triadic --help` answers at once.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from triadic.schema.lab import Lab

Function = Callable[..., Any]
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
PATH = click.Path(path_type=Path)


class Group(click.Group):
    """Lists commands in the order they are used, not by the alphabet; a mistyped one is told what is near it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if ctx.resilient_parsing or name.startswith("-") or self.get_command(ctx, name):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.list_commands(ctx)) or [
            f"{group} {command}"
            for group, within in self.commands.items()
            if isinstance(within, click.Group)
            for command in difflib.get_close_matches(name, within.list_commands(ctx), n=1)
        ]
        raise click.UsageError(f"no command {name!r}" + (f": did you mean {' or '.join(near)}?" if near else ""), ctx)


def with_lab(
    create: bool = False, check: Callable[[], None] | None = None, after: Callable[[Lab], None] | None = None
) -> Callable[[Function], Function]:
    """Give the command the lab as its first argument; `--lab` works before and after the command's name.

    `create` makes the lab where there is none; `check` is called before that, and refuses what cannot be done; `after`
    is called with the lab when the command has ended, however it ended.
    """

    def decorate(command: Function) -> Function:
        @click.option("--lab", "folder", type=PATH, help="Folder of the lab  [default: $TRIADIC_LAB, or ./lab]")
        @functools.wraps(command)
        def opened(folder: Path | None, **options: Any) -> Any:
            from triadic.schema.lab import Lab

            if check:
                check()
            folder = folder or click.get_current_context().obj or Path("lab")
            lab = Lab.create(folder) if create else Lab.open(folder)
            try:
                return command(lab, **options)
            finally:  # what was finished before an error or Ctrl-C is news too
                if after:
                    after(lab)

        return opened

    return decorate


def say(text: str) -> None:
    """News for the person at the keyboard; results go to stdout."""
    click.echo(text, err=True)
