"""A lab is a folder: `lab.duckdb` (the truth), `mlflow.db` and `mlartifacts/` (its mirror), `spool/`, `reports/`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from triadic.schema.errors import BadInput, NotFound
from triadic.schema.spool import Spool
from triadic.schema.store import PATIENCE, Store


class Lab:
    """The folder `path` and the ways into it. `Lab.create` makes one, `Lab.open` insists that it is one."""

    def __init__(self, path: Path | str, patience: float = PATIENCE) -> None:
        self.path = Path(path)
        self.store = Store(self.path / "lab.duckdb", patience)
        self.spool = Spool(self.path / "spool", self.store)

    @classmethod
    def create(cls, path: Path | str) -> Lab:
        """The lab at `path`, made if it is not there."""
        lab = cls(path)
        if lab.path.exists() and not lab.path.is_dir():
            raise BadInput(f"{lab.path} is a file: a lab is a folder, give another --lab")
        try:
            lab.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"cannot make the folder {lab.path}: {error.strerror}") from error
        lab.store.create()
        return lab

    @classmethod
    def open(cls, path: Path | str) -> Lab:
        """The lab at `path`. Raises NotFound when there is none, Conflict when this version cannot use it."""
        lab = cls(path)
        if not lab.store.path.is_file():
            raise NotFound(f"no lab at {lab.path}: make one with `triadic init`, or name yours with --lab DIR")
        with lab.store.connect():
            return lab

    @cached_property
    def reports(self) -> Path:
        folder = self.path / "reports"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{(self.path / 'mlflow.db').resolve()}"

    @property
    def mlflow_artifacts(self) -> Path:
        return (self.path / "mlartifacts").resolve()
