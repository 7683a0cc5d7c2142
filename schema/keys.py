"""Content keys: the same work has the same id on every machine, so repeating it changes nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

KEY_LENGTH = 16  # hex digits: 64 bits; a million runs collide with probability below 1e-7


def canonical_json(value: Any) -> str:
    """One spelling for equal values: sorted keys, no spaces, UTF-8, no NaN (ValueError)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_key(*parts: Any) -> str:
    """The first 64 bits of the SHA-256 of the canonical JSON of `parts`, as 16 hex digits."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:KEY_LENGTH]


def file_sha256(path: Path | str) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
