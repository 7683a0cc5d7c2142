"""Where a rater's weights are, taken apart once for all who load them, read their headers or ask a server for them.

What the lab holds is a text: `package:NAME` (weights that ship in a Python package), `scripted:NUMBER,…` and
`simulated:like=NAME,…` (a rule, no weights), `http://HOST/v1#NAME` (a model on a server), a folder, a .gguf file, or a
hub id. Nothing is opened here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from triadic.schema.errors import BadInput, NotFound


class WeightsKind(StrEnum):
    """What kind of place a text names."""

    package = "package"
    scripted = "scripted"
    simulated = "simulated"
    server = "server"
    folder = "folder"
    hub = "hub"


_RULES = (WeightsKind.scripted, WeightsKind.simulated)


@dataclass(frozen=True)
class Weights:
    """A place of weights: `text` as it was given, and what it says.

    `name`: of the package, of the model on its server, of the folder, or the whole hub id; for a rule its kind.
    `address`: of the server. `params`: of a rule, name → value as written. `path`: of the folder, which may not be there
    (see `checked`). `gguf_file`: the file's name in that folder or repository.
    """

    text: str
    kind: WeightsKind
    name: str
    address: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    gguf_file: str | None = None

    @classmethod
    def parse(cls, text: str | Path, gguf_file: str | None = None) -> Weights:
        """Take `text` apart; a path to a .gguf file becomes its folder and the file's name.

        Raises BadInput for a server without a model, a package without a name, or a rule that is not NAME=VALUE,….
        """
        text = str(text)
        scheme, colon, rest = text.partition(":")
        if colon and scheme == WeightsKind.package:
            if not rest:
                raise BadInput(f"{text!r} names no package: write package:NAME")
            return cls(text, WeightsKind.package, rest, gguf_file=gguf_file)
        if colon and scheme in _RULES:
            return cls(text, WeightsKind(scheme), scheme, params=_params(text, scheme, rest))
        if scheme in ("http", "https"):
            address, _, name = text.partition("#")
            if not name:
                raise BadInput(f"{text} names a server and no model: write {address}#NAME")
            return cls(text, WeightsKind.server, name, address)
        return _on_disk_or_hub(text, gguf_file)

    @property
    def has_files(self) -> bool:
        """Whether there are files to read ingredients from: a folder or a hub repository."""
        return self.kind in (WeightsKind.folder, WeightsKind.hub)

    @property
    def source(self) -> str:
        """What a library loads from: the folder, or the hub id."""
        return str(self.path) if self.path else self.name

    def checked(self) -> Weights:
        """These weights themselves; NotFound for a folder or a file in it that is not there."""
        if self.path and not self.path.is_dir():
            raise NotFound(f"no model at {self.text}: give a hub id (owner/name), a folder, or a GGUF file that exists")
        if self.path and self.gguf_file and not (self.path / self.gguf_file).is_file():
            raise NotFound(f"no file {self.gguf_file} in {self.path}: name one of the folder's GGUF files")
        return self


def _params(text: str, scheme: str, rest: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in rest.split(",") if item]
    if not all(name and equals and value for name, equals, value in pairs):
        raise BadInput(f"{text} is not a rule: write {scheme}:NAME=VALUE,…")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _on_disk_or_hub(text: str, gguf_file: str | None) -> Weights:
    """A folder where one is or where only a path can be meant; else a hub id, which is OWNER/NAME or a bare name."""
    path = Path(text).expanduser()
    if gguf_file is None and path.suffix == ".gguf" and not path.is_dir():
        path, gguf_file = path.parent, path.name
    owner_and_name = 0 < str(path).count("/") < 2 or (gguf_file is None and "/" not in str(path))
    if path.is_dir() or path.is_absolute() or text.startswith((".", "~")) or not owner_and_name:
        return Weights(text, WeightsKind.folder, path.absolute().name, path=path, gguf_file=gguf_file)
    return Weights(text, WeightsKind.hub, str(path), gguf_file=gguf_file)
