"""The front door: each command opens the lab, calls the library and prints. Logic lives in the rooms.

Nothing heavier than click is imported up here, so that `triadic --help` answers at once.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from triadic import __version__
from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings, RunSettings
from triadic.ingest.commands import ingest, model
from triadic.reports import completion
from triadic.reports.console import (
    Reports,
    exit_code_of,
    in_lab,
    kept,
    listed,
    progress_bar,
    put_frame,
    watched,
    with_settings,
)
from triadic.schema.commands import CONTEXT, PATH, Group, say
from triadic.schema.vocabulary import DEFAULT_SET, PAPER_TRIPLETS, QUICK_TRIPLETS

if TYPE_CHECKING:
    import pandas as pd

    from triadic.schema.lab import Lab

Names = tuple[str, ...]


@click.group(cls=Group, context_settings=CONTEXT, epilog=completion.HOW)
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
    say(
        "next: triadic model add HUB_ID, a folder or a GGUF file, then triadic run NAME (triadic demo tries one at once)"
    )


cli.add_command(ingest)
cli.add_command(model)


@model.command("list")
@click.option("--all", "everyone", is_flag=True, help="Removed ones too, marked.")
@listed
@in_lab()
def list_models(lab: Lab, everyone: bool) -> pd.DataFrame:
    """Every model with its main ingredients: those with weights of their own first, then the paper's suite.

    Example: triadic model list --format csv
    """
    from triadic.reports.models import model_list

    return model_list(lab, everyone)


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
@click.option("--triplets", type=int, help=f"How many to draw  [default: {PAPER_TRIPLETS:,}, or all there are]")
@click.option("--seed", default=0, help="Of the draw.")
@click.option("--concepts", type=completion.CONCEPT_SET, help="Concepts they are about  [default: the lab's only set]")
@click.option("--name", help="What the set goes by  [default: its concepts and number]")
@click.option("--main", is_flag=True, help="From now on ask this set where no other is named.")
@click.option("--triplet-set", type=completion.TRIPLET_SET, help="A set that is drawn already, for --name or --main.")
@click.option("--dims", type=int, help="Dimensions the fit will have, for the theory  [default: 30, or what fits]")
@in_lab()
def plan(
    lab: Lab,
    triplets: int | None,
    seed: int,
    concepts: str | None,
    triplet_set: str | None,
    dims: int | None,
    **how: Any,
) -> None:
    """Draw a triplet set, name it, make it the main one; says what the sample-size theory asks for.

    Example: triadic plan --triplets 35000 --name first --main
    """
    from triadic.compute.stages.plan import choose_set, main_or_not
    from triadic.compute.triplets import sample_size
    from triadic.schema.lookup import read_concepts

    chosen = choose_set(lab, triplet_set, concepts, triplets, seed, **how)
    n_concepts = len(read_concepts(lab, chosen.concept_set_id))
    for line in sample_size(n_concepts, dims or min(FitSettings().n_dims or 30, n_concepts - 1)).lines():
        say(line)
    say(main_or_not(lab, chosen))
    click.echo(chosen.name)


def of_questions(command: Any) -> Any:
    """The options that say which questions are asked."""
    concepts = click.option(
        "--concepts",
        type=completion.CONCEPT_SET,
        help="Ask the main set of these concepts  [default: the lab's main set]",
    )
    triplet_set = click.option("--triplet-set", type=completion.TRIPLET_SET, help="Ask the set of this name (or id).")
    return concepts(triplet_set(command))


@cli.command()
@click.argument("models", nargs=-1, required=True, type=completion.RATER)
@click.option("--reparse", "again", is_flag=True, help="Read stored texts again, without asking the model.")
@of_questions
@with_settings(settings=JudgeSettings)
@in_lab(mirrored=True)
def judge(
    lab: Lab, models: Names, again: bool, triplet_set: str | None, concepts: str | None, settings: JudgeSettings
) -> int:
    """Put the triplets to models and keep every answer.

    Example: triadic judge gemma-3-270m --answer score
    """
    from triadic.compute.stages.pipeline import judge_rater, one_by_one, raters_of, reparse_rater
    from triadic.compute.stages.plan import keep_drawn, set_to_ask

    raters, whole = raters_of(lab, models), RunSettings(judge=settings)
    questions = set_to_ask(lab, triplet_set, concepts, note=say)
    keep_drawn(lab, questions)

    def work(name: str, rater: str) -> None:
        if again:
            run_id, changed = reparse_rater(lab, rater, questions.triplet_set_id, whole)
            say(f"{name}: {changed} answers read differently")
        else:
            run_id = judge_rater(lab, rater, questions.triplet_set_id, whole, progress_bar(name))
        click.echo(run_id)

    return one_by_one(raters.items(), work, say)


@cli.command()
@click.argument("model", type=completion.RATER)
@click.argument("words", nargs=3, metavar="ANCHOR LEFT RIGHT")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How it is printed.")
@with_settings(settings=JudgeSettings)
@in_lab()
def ask(lab: Lab, model: str, words: tuple[str, str, str], form: str, settings: JudgeSettings) -> None:
    """Put one question to a model, of any three words, and show what it gets and answers. Nothing is stored.

    Example: triadic ask gemma-3-270m lion tiger banjo
    """
    from triadic.compute.stages.ask import ask_about

    asked = ask_about(lab, model, words, settings)
    if form == "json":
        click.echo(json.dumps([dataclasses.asdict(each) for each in asked], indent=2))
    else:
        click.echo("\n\n".join(map(str, asked)))


@cli.command("embed")
@click.argument("models", nargs=-1, required=True, type=completion.RATER)
@click.option(
    "--learning-curve", "curve", is_flag=True, help="Held-out accuracy and R² against the number of answers instead."
)
@click.option(
    "--reference",
    type=completion.REFERENCE,
    help="Reference for the learning curve's R²  [default: the first in the lab]",
)
@with_settings(settings=FitSettings, run=RunSettings)
@in_lab(mirrored=True)
def embed_command(
    lab: Lab, models: Names, curve: bool, reference: str | None, settings: FitSettings, run: RunSettings
) -> int:
    """Fit an ordinal embedding to every finished judge run of these models.

    Example: triadic embed gemma-3-270m --dims auto --restarts 3
    """
    from triadic.compute.stages.embed import embed
    from triadic.compute.stages.learning import curves
    from triadic.compute.stages.pipeline import one_by_one, runs_of

    answered = runs_of(lab, "judge", models)
    if curve:
        put_frame(curves(lab, [run_id for _, run_id in answered], settings, run.seed, reference))
        return 0
    return one_by_one(answered, lambda _, run_id: click.echo(embed(lab, run_id, settings, run.seed)), say)


@cli.command("align")
@click.argument("models", nargs=-1, type=completion.RATER)
@with_settings(settings=AlignSettings)
@in_lab(mirrored=True)
def align_command(lab: Lab, models: Names, settings: AlignSettings) -> int:
    """Compare embeddings (of these models, or all) with every reference in the lab.

    Example: triadic align
    """
    from triadic.compute.stages.align import align
    from triadic.compute.stages.pipeline import fits_to_align, one_by_one

    def work(name: str, run_id: str) -> None:
        bar = progress_bar(f"{name}: align", "refits")
        click.echo("\n".join(align(lab, run_id, settings=settings, progress=bar)))

    return one_by_one(fits_to_align(lab, models), work, say)


@cli.command()
@click.argument("models", nargs=-1, type=completion.RATER)
@click.option("--family", help="All models of this family.")
@click.option("--dry-run", is_flag=True, help="Only say what is missing, and how long it takes.")
@of_questions
@with_settings(
    {"device": "fit_device"}, judge=JudgeSettings, fit=FitSettings, align=AlignSettings, settings=RunSettings
)
@in_lab(mirrored=True)
def run(
    lab: Lab,
    models: Names,
    family: str | None,
    dry_run: bool,
    triplet_set: str | None,
    concepts: str | None,
    settings: RunSettings,
    **parts: Any,
) -> int:
    """Whatever is missing for these models: judge, embed, align. Repeating it does nothing.

    Example: triadic run gemma-3-270m --dry-run
    """
    from triadic.compute.stages import needs, pipeline
    from triadic.compute.stages.plan import keep_drawn, set_to_ask

    raters, settings = pipeline.raters_of(lab, models, family), dataclasses.replace(settings, **parts)
    questions = set_to_ask(lab, triplet_set, concepts, note=say)
    if dry_run:
        for name, rater in raters.items():
            missing = pipeline.missing(lab, rater, questions, settings)
            click.echo("\n".join(missing) or f"{name}: nothing is missing")
        return 0
    needs.check_run(lab, questions, settings)
    keep_drawn(lab, questions)
    if lacking := needs.lacking_reference(lab, questions.concept_set_id):
        say(f"{questions.concept_set_id} has no reference: models are judged and embedded, and compared with nothing")

    def work(name: str, rater: str) -> None:
        bars = progress_bar(name), progress_bar(f"{name}: align", "refits")
        pipeline.run_rater(lab, rater, questions.triplet_set_id, settings, *bars)
        say(
            f"{name}: " + ("judged and embedded" if lacking else "done; `triadic report ranking` shows where it stands")
        )

    code = pipeline.one_by_one(raters.items(), work, say)
    if lacking:
        say(f"{lacking}; then `triadic align`")
    return code


@cli.command()
@click.option("--runs", is_flag=True, help="One row per run: time, answers, tokens, and what stopped it.")
@click.option("--sets", is_flag=True, help="One row per triplet set, the main one marked.")
@click.option("--all", "everyone", is_flag=True, help="Raters without any run too.")
@click.option(
    "--mirror",
    "mirrored",
    is_flag=True,
    help="First wait for the MLflow mirror to be up to date. Other commands do not: TRIADIC_MIRROR is background, wait or off.",
)
@watched
@in_lab()
def status(lab: Lab, runs: bool, sets: bool, everyone: bool, mirrored: bool) -> pd.DataFrame:
    """Models × stages: what is there, and what is missing.

    Example: triadic status --runs
    """
    from triadic.reports import status

    if mirrored:
        from triadic.reports.tracking import catch_up

        say(f"{catch_up(lab, True, progress_bar('mirror', 'runs'), say)} runs mirrored")
    return status.runs(lab) if runs else status.triplet_sets(lab) if sets else status.status(lab, everyone)


@cli.group(cls=Reports)
def report() -> None:
    """What people read: each report is one view, one statistic, one table."""


@cli.command()
@click.argument("query", required=False)
@click.option(
    "--examples", "--example", is_flag=True, help="Saved queries to begin with; with a NAME behind, its rows."
)
@kept
@in_lab()
def sql(lab: Lab, query: str | None, examples: bool) -> pd.DataFrame:
    """Ask the lab in SQL, read-only (QUERY of - reads it from stdin); works while a judge runs.

    Example: triadic sql "SELECT rater_name, anchor, choice FROM judgment LIMIT 5"
    """
    from triadic.reports.sql import answer

    return answer(lab, query, examples, say)


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

    tracking.catch_up(lab, True, progress_bar("mirror", "runs"), say)
    say("MLflow is starting, which takes some seconds")
    sys.exit(serve(lab, host, port, lambda url: say(f"{url} shows this lab; Ctrl-C stops it")))


@cli.command()
@in_lab()
def doctor(lab: Lab) -> None:
    """Check the lab: its file, its spool, rows that point nowhere, runs that never finished.

    Example: triadic doctor
    """
    from triadic.reports.tracking import background
    from triadic.schema import upkeep

    problems = upkeep.examine(lab) + background.problems(lab)
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


def demo_weights() -> None:
    """Refuse a demo without its weights before there is a lab."""
    from triadic.compute.judges.local.packaged import check_demo

    check_demo()


@cli.command()
@click.option(
    "--full", is_flag=True, help=f"Ask the paper's {PAPER_TRIPLETS:,} questions: a quarter of an hour on two cores."
)
@click.option(
    "--triplets", type=int, help=f"How many questions to ask  [default: {QUICK_TRIPLETS:,}, which take minutes]"
)
@click.option("--model", "extra", type=click.Choice(["smollm2"]), multiple=True, help="One more packaged model.")
@click.option("--reference", "human", type=PATH, help="A human embedding to compare with (VICE .npy or SPoSE text).")
@click.option("--seed", default=0, help="Of the draw of the questions.")
@with_settings(align=AlignSettings)
@in_lab(create=True, mirrored=True, check=demo_weights)
def demo(
    lab: Lab, full: bool, triplets: int | None, extra: Names, human: Path | None, seed: int, align: AlignSettings
) -> None:
    """The whole pipeline on a real model that ships in a Python package, offline.

    Example: triadic demo --full
    """
    from triadic.compute.stages import pipeline, plan
    from triadic.ingest import demo_models, everything, reference
    from triadic.reports import ranking

    for line in everything.ingest_everything(lab):
        say(f"  {line}")
    if human:
        reference.reference_from_file(lab, human, DEFAULT_SET)
    n_triplets = triplets or (PAPER_TRIPLETS if full else QUICK_TRIPLETS)
    questions = plan.draw_triplet_set(lab, DEFAULT_SET, n_triplets, seed, main=full)
    settings = RunSettings(align=align)
    for name in ("gemma3-270m", "minilm", *extra):
        rater = demo_models.add_packaged(lab, name)
        bars = progress_bar(rater), progress_bar(f"{rater}: align", "refits")
        pipeline.run_rater(lab, rater, questions, settings, *bars)
    click.echo(ranking.summary(lab))


def main() -> None:
    """Run the command line; every error Triadic knows becomes one line on stderr and an exit code."""
    sys.exit(exit_code_of(cli))
