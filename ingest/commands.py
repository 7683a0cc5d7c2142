"""The commands that bring things in: the groups `triadic ingest` and `triadic model`. Logic lives beside them.

Nothing heavier than click is imported up here, so that `triadic --help` answers at once.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triadic.schema.commands import PATH, Group, say, with_lab
from triadic.schema.errors import BadInput
from triadic.schema.vocabulary import DEFAULT_SET

if TYPE_CHECKING:
    from triadic.schema.lab import Lab

Names = tuple[str, ...]


@click.group(cls=Group)
def ingest() -> None:
    """Bring in what comes from outside: concepts, references, people's answers, scores, results."""


@ingest.command()
@click.argument("path", metavar="[FILE]", type=PATH, required=False)
@click.option("--name", help="Name of the set  [default: the file's, or things-128]")
@click.option("--column", default="word", help="Column that holds the words.")
@with_lab()
def concepts(lab: Lab, path: Path | None, name: str | None, column: str) -> None:
    """A concept set: the paper's 128, a CSV with a word column, or a text with one word a line.

    Example: triadic ingest concepts animals.csv --column name
    """
    from triadic.ingest.concepts import about_concepts, concept_set_name, ingest_concepts

    new, set_id = ingest_concepts(lab, path, name, column), concept_set_name(path, name)
    say(f"{new} new concepts: concept set {set_id}")
    for line in about_concepts(lab, set_id):
        say(line)


@ingest.command()
@click.argument("path", metavar="[FILE]", type=PATH, required=False)
@click.option("--path", "path_option", type=PATH, hidden=True, help="The same FILE.")
@click.option("--download", type=click.Choice(["spose-49", "spose-66"]), help="A public file, from its OSF page.")
@click.option("--wordnet", is_flag=True, help="The WordNet taxonomy, which ships with Triadic.")
@click.option("--fit", help="A rater of this lab, whose shown fit it is (such as people), or an embed run.")
@click.option("--name", help="Name of the reference  [default: the file's, or the rater's]")
@click.option("--source", help="Citation to keep with it.")
@click.option("--concepts", "concept_set", help="Concept set it covers  [default: the one whose words it has]")
@click.option(
    "--kind", type=click.Choice(["vectors", "similarity", "distance"]), help="What the numbers are  [default: a guess]"
)
@click.option("--keep-dims", "n_dims", type=int, help="Dimensions  [default: the fewest with 95% of the variance]")
@click.option("--words", type=PATH, help="File that names the rows, one word a line, for a file without words.")
@click.option("--ids", type=PATH, help="File that names the rows by THINGS unique id  [default: THINGS order]")
@with_lab()
def reference(
    lab: Lab,
    path: Path | None,
    path_option: Path | None,
    download: str | None,
    wordnet: bool,
    fit: str | None,
    concept_set: str | None,
    **how: Any,
) -> None:
    """A reference to compare models with, from a file, from people's answers, or the WordNet taxonomy.

    FILE is known by its content: a human embedding of THINGS (VICE .npy, SPoSE text), or a CSV with words: vectors or
    features by word, features in long form (concept, feature, value), similarities or distances of all pairs; or a .npy
    of vectors or pairs, in the order of the concept set or of --words.

    Example: triadic ingest reference vice_embedding_1854x42.npy
    """
    from triadic.ingest import reference as references

    file = path or path_option
    if sum(map(bool, (file, download, wordnet, fit))) != 1:
        raise click.UsageError("give one of FILE, --download NAME, --wordnet or --fit RATER")
    if file:
        found = references.reference_from_file(lab, file, concept_set, tell=say, **how)
    elif download:
        found = references.reference_from_web(lab, download, concept_set or DEFAULT_SET)
    elif fit:
        found = references.reference_from_fit(lab, fit, how["name"], how["n_dims"], concept_set, say)
    else:
        found = references.wordnet_reference(lab, concept_set or DEFAULT_SET, how["n_dims"] or 30)
    for line in references.about_reference(lab, found):
        say(line)


def shipped(name: str, about: str) -> None:
    """A command for what ships with Triadic."""

    @ingest.command(name, help=f"{about}\n\nExample: triadic ingest {name}")
    @with_lab()
    def command(lab: Lab) -> None:
        from triadic.ingest.published import ingest_benchmarks, ingest_published, ingest_suite

        made = {"suite": ingest_suite, "benchmarks": ingest_benchmarks, "published": ingest_published}
        say(f"{made[name](lab)} new rows")


@ingest.command()
@click.argument("path", metavar="FILE", type=PATH)
@click.option("--rater", default="people", help="Who answered.")
@click.option("--concepts", "concept_set", help="Concepts asked about  [default: the set that has all of its words]")
@click.option("--columns", help="What columns are called: anchor=head,left=left,right=right,choice=winner")
@click.option("--by", help="Column of participants, each of whom becomes a rater too, beside the pool.")
@with_lab()
def answers(lab: Lab, path: Path, rater: str, concept_set: str | None, columns: str | None, by: str | None) -> None:
    """People's answers from a file.

    FILE is a CSV of words with a header: anchor, left, right and the choice (a word, left or right, or 0 or 1), or a, b,
    c and the odd one; or three columns of 0-based positions without a header, the third the odd one.

    Example: triadic ingest answers answers.csv --rater people --by participant
    """
    from triadic.ingest.answers import ingest_answers

    given = dict(pair(each) for each in columns.split(",")) if columns else None
    for line in ingest_answers(lab, path, rater, concept_set, given, by).lines():
        say(line)


def pair(text: str) -> tuple[str, str]:
    """`anchor=head` as two words."""
    role, equals, column = text.partition("=")
    if not (role.strip() and equals and column.strip()):
        raise BadInput(f"--columns is ROLE=COLUMN,…, such as anchor=head,choice=winner, not {text!r}")
    return role.strip(), column.strip()


shipped("suite", "The paper's models with their ingredients.")
shipped("benchmarks", "Public benchmark scores of the suite.")
shipped("published", "The paper's tables and statistics, as printed.")


@click.group(cls=Group)
def model() -> None:
    """Add models, say what is known of them, list, show, rename and remove them."""


@model.command("add")
@click.argument("weights")
@click.option("--name", help="What to call it  [default: its name in the suite, or the last part of its id]")
@click.option("--replace", is_flag=True, help="Point a name that is in the lab at these weights; its answers stay.")
@click.option("--gguf-file", help="Name of the GGUF file in a folder or repository.")
@click.option("--revision", help="Revision of the checkpoint.")
@click.option("--prompt-style", type=click.Choice(["chat", "base"]), help="Own chat template, or plain text.")
@click.option("--family", help="Model family.")
@click.option("--instruction-tuned/--not-instruction-tuned", default=None, help="Trained to follow instructions?")
@click.option("--stage", "post_training_stage", help="base, sft, dpo, rlvr or it.")
@click.option("--hf-id", help="Hub id or folder of its files, for a model on a server.")
@click.option("--training-tokens", type=float, help="Pre-training tokens, in trillions.")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Any ingredient; may be given more than once.")
@click.option("--trust-remote-code", is_flag=True, help="Let the checkpoint run its own code.")
@with_lab()
def add(lab: Lab, weights: str, name: str | None, replace: bool, pairs: Names, **given: Any) -> None:
    """Add a model: a hub id, a folder, a GGUF file, or the name of a model on a server (URL#NAME).

    Example: triadic model add http://localhost:8000/v1#big --set family=Llama --set n_params=70
    """
    from triadic.ingest.ingredients import read_pairs
    from triadic.ingest.models import about_model, add_model

    source = {key: given.pop(key) for key in ("gguf_file", "revision", "trust_remote_code")}
    given = {key: value for key, value in given.items() if value is not None} | read_pairs(pairs)
    for line in about_model(lab, *add_model(lab, weights, name, **source, given=given, replace=replace)):
        say(line)


@model.command("set")
@click.argument("name", required=False)
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--csv", "table", type=PATH, help="A row a model: a column name, model or hf_id, the others ingredients.")
@with_lab()
def set_command(lab: Lab, name: str | None, pairs: Names, table: Path | None) -> None:
    """Say what is known of a model: any ingredient, by hand or from a table of models.

    Example: triadic model set big n_params=70 training_tokens=15 instruction_tuned=yes
    """
    from triadic.ingest.ingredients import about_all, read_pairs, set_from_csv, set_ingredients

    if (name is None) == (table is None):
        raise click.UsageError("give NAME KEY=VALUE…, or --csv FILE")
    raters = set_from_csv(lab, table) if table else [set_ingredients(lab, name or "", read_pairs(pairs))]
    for line in about_all(lab, raters):
        say(line)
    say("next: `triadic report ingredients` shows what goes with alignment")


@model.command()
@click.argument("name")
@click.argument("new")
@with_lab()
def rename(lab: Lab, name: str, new: str) -> None:
    """Show a model or rater by another name; the old one finds it too, and nothing is asked again.

    Example: triadic model rename gemma-3-270m gemma-small
    """
    from triadic.ingest.raters import rename_rater

    before = rename_rater(lab, name, new)
    say(f"{before} is {new} from now on" if before != new else f"{new} is its name already")
    say(f"next: triadic model show {shlex.quote(new)}")


@model.command()
@click.argument("name")
@click.option("--undo", is_flag=True, help="Take it in again.")
@with_lab()
def remove(lab: Lab, name: str, undo: bool) -> None:
    """Leave a model or rater out of reports; every answer of it is kept.

    Example: triadic model remove gemma-3-270m
    """
    from triadic.ingest.raters import remove_rater

    shown, n_answers = remove_rater(lab, name, undo)
    if undo:
        say(f"{shown} is back, with its {n_answers:,} answers")
        say(f"next: triadic model show {shlex.quote(shown)}")
    else:
        say(f"{shown} is left out of reports; its {n_answers:,} answers are kept")
        say(f"to take it in again: triadic model remove {shlex.quote(shown)} --undo")


@model.command()
@click.option("--like", required=True, help="Reference of this lab whose similarities it answers by.")
@click.option(
    "--temperature",
    default=1.0,
    help="Of its choices, in units of the reference's inner products: near 0 it never errs, far above them it tosses a coin. VICE: 1 is people's noise; WordNet, whose products are small: 0.05.",
)
@click.option("--first-bias", default=0.0, help="Share of questions to which it names whatever is shown first.")
@click.option("--seed", default=0, help="Of its answers.")
@click.option("--name", help="What to call it  [default: from its settings]")
@with_lab()
def simulate(lab: Lab, like: str, temperature: float, first_bias: float, seed: int, name: str | None) -> None:
    """Add a simulated rater, whose concepts are a reference's, with noise and a pull to the first option.

    Example: triadic model simulate --like vice --temperature 1 --first-bias 0.6
    """
    from triadic.ingest.models import simulate_model

    say(f"next: triadic run {simulate_model(lab, like, temperature, first_bias, seed, name)}")
