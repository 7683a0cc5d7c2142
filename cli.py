"""The front door: each command opens the lab, calls the library and prints. Logic lives in the rooms.

Nothing heavier than click is imported up here, so that `triadic --help` answers at once.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triadic import __version__
from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings, RunSettings
from triadic.reports.console import (
    CONTEXT,
    PATH,
    Group,
    Reports,
    exit_code_of,
    in_lab,
    listed,
    progress_bar,
    put_frame,
    say,
    with_settings,
)
from triadic.schema.vocabulary import DEFAULT_SET, PAPER_TRIPLETS

if TYPE_CHECKING:
    import pandas as pd

    from triadic.schema.lab import Lab

Names = tuple[str, ...]


@click.group(cls=Group, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="triadic")
@click.option("--lab", type=PATH, envvar="TRIADIC_LAB", help="Folder of the lab  [default: ./lab]")
@click.pass_context
def cli(ctx: click.Context, lab: Path | None) -> None:
    """How human-like are a language model's concepts, and which of its ingredients made them so?

    \b
    Begin with `triadic demo`, or:
      triadic init
      triadic model add Qwen/Qwen2.5-0.5B-Instruct
      triadic run Qwen2.5-0.5B-Instruct
      triadic report ranking
    """
    ctx.obj = lab


@cli.command()
@click.option("--empty", is_flag=True, help="Tables only, without the figures that ship with Triadic.")
@in_lab(create=True)
def init(lab: Lab, empty: bool) -> None:
    """Make a lab, with the paper's concepts, model suite, scores and published results in it.

    Example: triadic init --lab mylab
    """
    from triadic.ingest.everything import ingest_everything

    say(f"Lab at {lab.path}")
    for line in [] if empty else ingest_everything(lab):
        say(f"  {line}")


@cli.group(cls=Group)
def ingest() -> None:
    """Bring in what comes from outside: concepts, references, scores, results, others' judgments."""


@ingest.command()
@click.argument("path", type=PATH, required=False)
@click.option("--name", help="Name of the set  [default: the file's, or things-128]")
@click.option("--column", default="word", help="Column that holds the words.")
@in_lab()
def concepts(lab: Lab, path: Path | None, name: str | None, column: str) -> None:
    """A concept set: the paper's 128, or a CSV with a word column.

    Example: triadic ingest concepts animals.csv --column name
    """
    from triadic.ingest.concepts import ingest_concepts

    say(f"{ingest_concepts(lab, path, name, column)} new concepts")


@ingest.command()
@click.option("--path", type=PATH, help="A file: VICE .npy, or SPoSE text, 1,854 rows.")
@click.option("--download", type=click.Choice(["spose-49", "spose-66"]), help="A public file, from its OSF page.")
@click.option("--wordnet", is_flag=True, help="The WordNet taxonomy, which ships with Triadic.")
@click.option("--fit", help="An embed run of this lab, for example one of human answers.")
@click.option("--name", help="Name of the reference  [default: the file's]")
@click.option("--source", help="Citation to keep with it.")
@click.option("--concepts", "concept_set", default=DEFAULT_SET, help="Concept set it covers.")
@click.option("--dims", "n_dims", type=int, help="Dimensions to keep  [default: the fewest with 95% of the variance]")
@click.option("--ids", type=PATH, help="File that names the rows by THINGS unique id  [default: THINGS order]")
@in_lab()
def reference(
    lab: Lab, path: Path | None, download: str | None, wordnet: bool, fit: str | None, concept_set: str, **how: Any
) -> None:
    """A reference to compare models with: a human embedding, or the WordNet taxonomy.

    Example: triadic ingest reference --path vice_embedding_1854x42.npy
    """
    from triadic.ingest import reference as references
    from triadic.ingest.responses import reference_from_fit

    if sum(map(bool, (path, download, wordnet, fit))) != 1:
        raise click.UsageError("give one of --path FILE, --download NAME, --wordnet or --fit RUN")
    if path:
        found = references.reference_from_file(lab, path, concept_set, **how)
    elif download:
        found = references.reference_from_web(lab, download, concept_set)
    elif fit:
        found = reference_from_fit(lab, fit, how["name"] or f"fit-{fit[:8]}", how["n_dims"])
    else:
        found = references.wordnet_reference(lab, concept_set, how["n_dims"] or 30)
    say(f"reference {found}; `triadic align` compares every embedding with it")


def shipped(name: str, about: str) -> None:
    """A command for what ships with Triadic."""

    @ingest.command(name, help=f"{about}\n\nExample: triadic ingest {name}")
    @in_lab()
    def command(lab: Lab) -> None:
        from triadic.ingest.published import ingest_benchmarks, ingest_published, ingest_suite

        made = {"suite": ingest_suite, "benchmarks": ingest_benchmarks, "published": ingest_published}
        say(f"{made[name](lab)} new rows")


shipped("suite", "The paper's models with their ingredients.")
shipped("benchmarks", "Public benchmark scores of the suite.")
shipped("published", "The paper's tables and statistics, as printed.")


@ingest.command()
@click.argument("path", type=PATH)
@click.option("--rater", default="people", help="Who answered.")
@click.option("--concepts", "concept_set", default=DEFAULT_SET, help="Concepts the columns index.")
@in_lab()
def responses(lab: Lab, path: Path, rater: str, concept_set: str) -> None:
    """Odd-one-out answers from a file: three 0-based columns per row, the third is the odd one.

    Example: triadic ingest responses triplets.txt --rater people
    """
    from triadic.ingest.responses import ingest_responses

    say(f"judge run {ingest_responses(lab, path, rater, concept_set)}")


@cli.group(cls=Group)
def model() -> None:
    """Add models, list them, show what is known of one."""


@model.command("add")
@click.argument("weights")
@click.option("--name", help="What to call it  [default: its name in the suite, or the last part of its id]")
@click.option("--gguf-file", help="Name of the GGUF file in a folder or repository.")
@click.option("--revision", help="Revision of the checkpoint.")
@click.option("--prompt-style", type=click.Choice(["chat", "base"]), help="Own chat template, or plain text.")
@click.option("--family", help="Model family.")
@click.option("--instruction-tuned/--not-instruction-tuned", default=None, help="Trained to follow instructions?")
@click.option("--stage", "post_training_stage", help="base, sft, dpo, rlvr or it.")
@click.option("--hf-id", help="Hub id or folder of its files, for a model on a server.")
@click.option("--training-tokens", type=float, help="Pre-training tokens, in trillions.")
@click.option("--trust-remote-code", is_flag=True, help="Let the checkpoint run its own code.")
@in_lab()
def add(lab: Lab, weights: str, name: str | None, **given: Any) -> None:
    """Add a model: a hub id, a folder, a GGUF file, or the name of a model on a server (URL#NAME).

    Example: triadic model add Qwen/Qwen2.5-0.5B-Instruct
    """
    from triadic.ingest.models import add_model, lacking

    source = {key: given.pop(key) for key in ("gguf_file", "revision", "trust_remote_code")}
    rater, found = add_model(lab, weights, name, **source, given=given)
    say(f"{rater}: {found} ingredients read from the checkpoint")
    if unknown := lacking(lab, rater):
        say(f"unknown, and left empty: {', '.join(unknown)} (options of `triadic model add` tell them)")
    say(f"next: triadic run {rater}")


@model.command()
@click.option("--like", required=True, help="Reference of this lab whose similarities it answers by.")
@click.option("--temperature", default=1.0, help="Of its choices: near 0 it never errs, far above 1 it tosses a coin.")
@click.option("--first-bias", default=0.0, help="Share of questions to which it names whatever is shown first.")
@click.option("--seed", default=0, help="Of its answers.")
@click.option("--name", help="What to call it  [default: from its settings]")
@in_lab()
def simulate(lab: Lab, like: str, temperature: float, first_bias: float, seed: int, name: str | None) -> None:
    """Add a simulated rater, whose concepts are a reference's, with noise and a pull to the first option.

    Example: triadic model simulate --like vice --temperature 1 --first-bias 0.6
    """
    from triadic.ingest.models import simulate_model

    say(f"next: triadic run {simulate_model(lab, like, temperature, first_bias, seed, name)}")


@model.command("list")
@listed
@in_lab()
def list_models(lab: Lab) -> pd.DataFrame:
    """Every model with its main ingredients.

    Example: triadic model list --format csv
    """
    from triadic.reports.models import model_list

    return model_list(lab)


@model.command()
@click.argument("name")
@listed
@in_lab()
def show(lab: Lab, name: str) -> pd.DataFrame:
    """What is known of one model: each value, and where it comes from.

    Example: triadic model show gemma-3-270m
    """
    from triadic.reports.models import model_card

    return model_card(lab, name)


@cli.command()
@click.option("--triplets", default=PAPER_TRIPLETS, help="How many questions to draw.")
@click.option("--seed", default=0, help="Of the draw.")
@click.option("--concepts", "concept_set", default=DEFAULT_SET, help="Concept set they are about.")
@click.option("--dims", default=30, help="Dimensions the fit will have, for the theory.")
@in_lab()
def plan(lab: Lab, triplets: int, seed: int, concept_set: str, dims: int) -> None:
    """Draw a triplet set; says what the sample-size theory asks for.

    Example: triadic plan --triplets 35000 --seed 0
    """
    from triadic.compute.stages.plan import draw_triplet_set
    from triadic.compute.triplets import sample_size
    from triadic.schema.lookup import read_concepts

    drawn = draw_triplet_set(lab, concept_set, triplets, seed)
    for line in sample_size(len(read_concepts(lab, concept_set)), dims).lines():
        say(line)
    click.echo(drawn)


@cli.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--reparse", "again", is_flag=True, help="Read stored texts again, without asking the model.")
@click.option("--triplet-set", help="Beginning of a triplet set's id  [default: the newest]")
@with_settings(settings=JudgeSettings)
@in_lab(mirrored=True)
def judge(lab: Lab, models: Names, again: bool, triplet_set: str | None, settings: JudgeSettings) -> None:
    """Put the triplets to models and keep every answer.

    Example: triadic judge gemma-3-270m --answer score
    """
    from triadic.compute.stages.pipeline import judge_rater, reparse_rater
    from triadic.schema.lookup import find_rater, find_triplet_set

    questions, whole = find_triplet_set(lab, triplet_set), RunSettings(judge=settings)
    for name in [find_rater(lab.store, each) for each in models]:
        if again:
            run_id, changed = reparse_rater(lab, name, questions, whole)
            say(f"{name}: {changed} answers read differently")
        else:
            run_id = judge_rater(lab, name, questions, whole, progress_bar(name))
        click.echo(run_id)


@cli.command("embed")
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--learning-curve", "curve", is_flag=True, help="Held-out accuracy and R² against the number of answers instead."
)
@click.option("--reference", help="Reference for the learning curve's R²  [default: the first in the lab]")
@with_settings(settings=FitSettings, run=RunSettings)
@in_lab(mirrored=True)
def embed_command(
    lab: Lab, models: Names, curve: bool, reference: str | None, settings: FitSettings, run: RunSettings
) -> None:
    """Fit an ordinal embedding to every finished judge run of these models.

    Example: triadic embed gemma-3-270m --dims auto --restarts 3
    """
    from triadic.compute.stages.embed import embed
    from triadic.compute.stages.learning import curves
    from triadic.compute.stages.pipeline import runs_of

    answered = runs_of(lab, "judge", models)
    if curve:
        put_frame(curves(lab, answered, settings, run.seed, reference))
    else:
        for run_id in answered:
            click.echo(embed(lab, run_id, settings, run.seed))


@cli.command("align")
@click.argument("models", nargs=-1)
@with_settings(settings=AlignSettings)
@in_lab(mirrored=True)
def align_command(lab: Lab, models: Names, settings: AlignSettings) -> None:
    """Compare embeddings (of these models, or all) with every reference in the lab.

    Example: triadic align
    """
    from triadic.compute.stages.align import align
    from triadic.compute.stages.pipeline import runs_of

    for run_id in runs_of(lab, "embed", models):
        for aligned in align(lab, run_id, settings=settings, progress=progress_bar("align", "refits")):
            click.echo(aligned)


@cli.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say what is missing, and about how long it takes.")
@click.option("--triplet-set", help="Beginning of a triplet set's id  [default: the newest]")
@with_settings(
    {"device": "fit_device"}, judge=JudgeSettings, fit=FitSettings, align=AlignSettings, settings=RunSettings
)
@in_lab(mirrored=True)
def run(lab: Lab, models: Names, dry_run: bool, triplet_set: str | None, settings: RunSettings, **parts: Any) -> None:
    """Whatever is missing for these models: judge, embed, align. Repeating it does nothing.

    Example: triadic run gemma-3-270m --dry-run
    """
    from triadic.compute.stages.pipeline import missing, run_rater
    from triadic.schema.lookup import find_rater, find_triplet_set

    questions, settings = find_triplet_set(lab, triplet_set), dataclasses.replace(settings, **parts)
    for name in [find_rater(lab.store, each) for each in models]:
        if dry_run:
            click.echo("\n".join(missing(lab, name, questions, settings)) or f"{name}: nothing is missing")
        else:
            run_rater(lab, name, questions, settings, progress_bar(name), progress_bar(f"{name}: align", "refits"))
            say(f"{name}: done; `triadic report ranking` shows where it stands")


@cli.command()
@click.option("--runs", is_flag=True, help="One row per run instead of one per rater.")
@click.option("--all", "everyone", is_flag=True, help="Raters without any run too.")
@click.option("--mirror", "mirrored", is_flag=True, help="Bring the MLflow mirror up to date first.")
@listed
@in_lab()
def status(lab: Lab, runs: bool, everyone: bool, mirrored: bool) -> pd.DataFrame:
    """Models × stages: what is there, and what is missing.

    Example: triadic status --runs
    """
    from triadic.reports.status import status as rows
    from triadic.reports.tracking import catch_up

    if mirrored:
        say(f"{catch_up(lab, thorough=True, progress=progress_bar('mirror', 'runs'))} runs mirrored")
    return rows(lab, runs, everyone)


@cli.group(cls=Reports)
def report() -> None:
    """What people read: each report is one view, one statistic, one table."""


@cli.command()
@click.argument("query")
@listed
@in_lab()
def sql(lab: Lab, query: str) -> pd.DataFrame:
    """Ask the lab in SQL, read-only; works while a judge runs.

    Example: triadic sql "SELECT rater, anchor, choice FROM judgment LIMIT 5"
    """
    from triadic.reports import status

    return status.query(lab, query)


@cli.command()
@click.option("--port", default=5000, help="Of the page.")
@click.option("--host", default="127.0.0.1", help="Address to serve it on.")
@in_lab()
def ui(lab: Lab, port: int, host: str) -> None:
    """The MLflow UI on this lab; stop it with Ctrl-C.

    Example: triadic ui --port 5001
    """
    from triadic.reports import tracking
    from triadic.reports.tracking.ui import serve

    tracking.catch_up(lab, thorough=True, progress=progress_bar("mirror", "runs"))
    say("MLflow is starting, which takes some seconds")
    sys.exit(serve(lab, host, port, lambda url: say(f"{url} shows this lab; Ctrl-C stops it")))


@cli.command()
@in_lab()
def doctor(lab: Lab) -> None:
    """Check the lab: its file, its spool, rows that point nowhere, runs that never finished.

    Example: triadic doctor
    """
    from triadic.schema import upkeep

    problems = upkeep.examine(lab)
    for problem in problems:
        click.echo(problem)
    say("this lab is sound" if not problems else f"{len(problems)} things to look at")
    sys.exit(1 if problems else 0)


@cli.command()
@click.argument("target", type=PATH)
@in_lab()
def backup(lab: Lab, target: Path) -> None:
    """Copy the whole lab to a new folder, consistently, also while a judge runs.

    Example: triadic backup ../lab-2026-11-23
    """
    from triadic.schema import upkeep

    upkeep.backup(lab, target)
    say(f"copied to {target}; open it with --lab {target}")


@cli.command()
@click.argument("target", type=PATH)
@in_lab()
def export(lab: Lab, target: Path) -> None:
    """Every table as a Parquet file in a new folder, for other tools.

    Example: triadic export tables/
    """
    from triadic.schema import upkeep

    say(f"{len(upkeep.export(lab, target))} tables in {target}")


@cli.command()
@click.option("--triplets", default=PAPER_TRIPLETS, help="How many questions to ask; fewer is quicker.")
@click.option("--model", "extra", type=click.Choice(["smollm2"]), multiple=True, help="One more packaged model.")
@click.option("--reference", "human", type=PATH, help="A human embedding to compare with (VICE .npy or SPoSE text).")
@click.option("--seed", default=0, help="Of the draw of the questions.")
@with_settings(align=AlignSettings)
@in_lab(create=True, mirrored=True)
def demo(lab: Lab, triplets: int, extra: Names, human: Path | None, seed: int, align: AlignSettings) -> None:
    """The whole pipeline on a real model that ships in a Python package, offline.

    Example: triadic demo --triplets 2000
    """
    from triadic.compute.stages import pipeline, plan
    from triadic.ingest import demo_models, everything, reference
    from triadic.reports import ranking

    for line in everything.ingest_everything(lab):
        say(f"  {line}")
    if human:
        reference.reference_from_file(lab, human, DEFAULT_SET)
    questions, settings = plan.draw_triplet_set(lab, DEFAULT_SET, triplets, seed), RunSettings(align=align)
    for name in ("gemma3-270m", "minilm", *extra):
        rater = demo_models.add_packaged(lab, name)
        bars = progress_bar(rater), progress_bar(f"{rater}: align", "refits")
        pipeline.run_rater(lab, rater, questions, settings, *bars)
    click.echo(ranking.summary(lab))


def main() -> None:
    """Run the command line; every error Triadic knows becomes one line on stderr and an exit code."""
    sys.exit(exit_code_of(cli))
