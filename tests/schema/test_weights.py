"""Where weights are: every form of the text, and what is refused."""

from pathlib import Path

import pytest

from triadic.schema.errors import BadInput, NotFound
from triadic.schema.weights import Weights, WeightsKind


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("package:minilm", "package", "minilm"),
        ("scripted:", "scripted", "scripted"),
        ("simulated:like=vice,temperature=1", "simulated", "simulated"),
        ("http://127.0.0.1:8000/v1#owner/name", "server", "owner/name"),
        ("https://host/v1#name", "server", "name"),
        ("gpt2", "hub", "gpt2"),
        ("google/gemma-3-270m", "hub", "google/gemma-3-270m"),
        ("/nowhere/model", "folder", "model"),
        ("./model", "folder", "model"),
        ("~/model", "folder", "model"),
        ("deep/er/model", "folder", "model"),
    ],
)
def test_kind_and_name_of_every_form(text, kind, name):
    weights = Weights.parse(text)
    assert (weights.text, weights.kind, weights.name) == (text, kind, name)
    assert weights.has_files == (kind in ("folder", "hub"))


def test_a_server_has_an_address_and_a_rule_its_parameters():
    assert Weights.parse("http://127.0.0.1:8000/v1#m").address == "http://127.0.0.1:8000/v1"
    assert Weights.parse("scripted:first_bias=0.8, delay=0.1").params == {"first_bias": "0.8", "delay": "0.1"}


def test_a_gguf_file_is_taken_apart_on_disk_and_on_the_hub(tmp_path):
    (tmp_path / "m.gguf").touch()
    weights = Weights.parse(tmp_path / "m.gguf").checked()
    assert (weights.kind, weights.path, weights.gguf_file, weights.source) == (
        WeightsKind.folder,
        tmp_path,
        "m.gguf",
        str(tmp_path),
    )
    hub = Weights.parse("owner/name/m.gguf")
    assert (hub.kind, hub.source, hub.gguf_file, hub.path) == (WeightsKind.hub, "owner/name", "m.gguf", None)


def test_what_is_on_this_disk_is_a_folder_whatever_it_looks_like(tmp_path, monkeypatch):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert Weights.parse("owner/name").checked().path == Path("owner/name")
    assert Weights.parse("owner").kind == WeightsKind.folder


def test_a_path_that_is_not_there_is_found_out_when_it_is_checked(tmp_path):
    with pytest.raises(NotFound, match=r"no model at .*: give a hub id \(owner/name\), a folder, or a GGUF file"):
        Weights.parse(tmp_path / "none").checked()
    with pytest.raises(NotFound, match=r"no file m\.gguf in"):
        Weights.parse(tmp_path / "m.gguf").checked()
    with pytest.raises(NotFound, match=r"no file m\.gguf in"):
        Weights.parse(tmp_path, gguf_file="m.gguf").checked()
    Weights.parse("google/gemma-3-270m").checked()  # the hub is not asked


@pytest.mark.parametrize(
    "text", ["http://host:8000/v1", "https://host/v1#", "package:", "scripted:bias", "simulated:like="]
)
def test_what_is_half_said_is_refused(text):
    with pytest.raises(BadInput, match=": write "):
        Weights.parse(text)
