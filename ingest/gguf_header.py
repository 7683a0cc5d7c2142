"""The header of a GGUF file, without its tensors and without its vocabulary.

The gguf package reads every word of the vocabulary into objects, a minute for gemma's 262,144; here arrays are counted
and skipped. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triadic.schema.errors import BadInput

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True)
class GGUFHeader:
    """Metadata (an array's value is its length) and the shape of each tensor."""

    metadata: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]

    def get(self, name: str) -> Any:
        """`name` below the architecture, such as 'block_count' for 'llama.block_count'; None when absent."""
        return self.metadata.get(f"{self.metadata.get('general.architecture')}.{name}")

    @property
    def parameters(self) -> int:
        """Numbers in all tensors; tables that are computed (rope frequencies) left out."""
        return sum(math.prod(shape) for name, shape in self.shapes.items() if not name.startswith("rope_"))


def read_gguf_header(path: Path) -> GGUFHeader:
    """The header of the file at `path`. BadInput when it is no GGUF file or cut short."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header()
    except (struct.error, IndexError, KeyError, UnicodeDecodeError, ValueError) as error:
        raise BadInput(f"{path.name} is not a readable GGUF file: {error}") from error


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0

    def header(self) -> GGUFHeader:
        if self.data[:4] != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        self.at = 4
        version, tensors, entries = self.number("I"), self.number("Q"), self.number("Q")
        if version not in (2, 3):
            raise ValueError(f"version {version}")
        metadata: dict[str, Any] = {}
        for _ in range(entries):
            name = self.text()
            metadata[name] = self.value(self.number("I"))
        shapes = {}
        for _ in range(tensors):
            name = self.text()
            shapes[name] = tuple(self.number("Q") for _ in range(self.number("I")))
            self.at += 12  # type and offset
        return GGUFHeader(metadata, shapes)

    def number(self, code: str) -> Any:
        (value,) = struct.unpack_from(f"<{code}", self.data, self.at)
        self.at += struct.calcsize(f"<{code}")
        return value

    def text(self) -> str:
        size: int = self.number("Q")
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            return self.number(_NUMBERS[kind])
        inner, length = self.number("I"), self.number("Q")
        if inner in _NUMBERS:
            self.at += length * struct.calcsize(f"<{_NUMBERS[inner]}")
        else:
            for _ in range(length):
                self.value(inner) if inner == _ARRAY else self._skip_text()
        return length

    def _skip_text(self) -> None:
        self.at += 8 + int.from_bytes(self.data[self.at : self.at + 8], "little")
