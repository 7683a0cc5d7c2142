"""The front door: each command opens the lab, calls the library and prints. Logic lives in the rooms.

Nothing heavier than click is imported up here, so that `triadic --help` answers at once.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import click

from triadic import __version__
from triadic.schema.errors import TriadicError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
DEFAULT_SET = "things-128"
PATH = click.Path(path_type=Path)


class Group(click.Group):
    """Lists commands in the order they are used, not by the alphabet."""

    def list_commands(self, ctx):
        return list(self.commands)


def in_lab(create: bool = False):
    """Give the command the lab as its first argument; `--lab` works before and after the command's name."""

    def decorate(command):
        @click.option("--lab", type=PATH, envvar="TRIADIC_LAB", help="Folder of the lab  [default: ./lab]")
        @click.pass_context
        @functools.wraps(command)
        def opened(ctx, lab, **options):
            from triadic.schema.lab import Lab

            path = lab or ctx.obj or Path("lab")
            return command(Lab.create(path) if create else Lab.open(path), **options)

        return opened

    return decorate


def listed(command):
    """Print the DataFrame that the command returns in the format asked for."""

    @click.option(
        "--format", "fmt", type=click.Choice(["table", "csv", "json", "parquet"]), default="table", show_default=True
    )
    @functools.wraps(command)
    def printed(*args, fmt, **options):
        from triadic.reports.output import render_frame

        text = render_frame(command(*args, **options), "text" if fmt == "table" else fmt)
        click.echo(text.rstrip("\n") if isinstance(text, str) else text, nl=isinstance(text, str))

    return printed


def say(text: str) -> None:
    """News for the person at the keyboard; results go to stdout."""
    click.echo(text, err=True)


def bar(what: str, unit: str = "answers"):
    """A progress bar on stderr that appears with its first news; called with (done, total)."""
    line = None

    def update(done: int, total: int) -> None:
        from tqdm import tqdm

        nonlocal line
        line = line or tqdm(desc=what, total=total, initial=done, unit=f" {unit}", dynamic_ncols=True, mininterval=0.5)
        line.update(done - line.n)
        if done >= total:
            line.close()

    return update


@click.group(cls=Group, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="triadic")
@click.option("--lab", type=PATH, envvar="TRIADIC_LAB", help="Folder of the lab  [default: ./lab]")
@click.pass_context
def cli(ctx, lab):
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
def init(lab, empty):
    """Make a lab, with the paper's concepts, model suite, scores and published results in it.

    \b
    Example: triadic init --lab mylab
    """
    from triadic.ingest.everything import ingest_everything

    say(f"Lab at {lab.path}")
    for line in [] if empty else ingest_everything(lab):
        say(f"  {line}")


@cli.group(cls=Group)
def ingest():
    """Bring in what comes from outside: concepts, references, scores, results, others' judgments."""


@ingest.command()
@click.argument("path", type=PATH, required=False)
@click.option("--name", help="Name of the set  [default: the file's, or things-128]")
@click.option("--column", default="word", show_default=True, help="Column that holds the words.")
@in_lab()
def concepts(lab, path, name, column):
    """A concept set: the paper's 128, or a CSV with a word column.

    \b
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
@click.option("--concepts", "concept_set", default=DEFAULT_SET, show_default=True, help="Concept set it covers.")
@click.option("--dims", type=int, help="Dimensions to keep  [default: the fewest with 95% of the variance]")
@click.option("--ids", type=PATH, help="File that names the rows by THINGS unique id  [default: THINGS order]")
@in_lab()
def reference(lab, path, download, wordnet, fit, name, source, concept_set, dims, ids):
    """A reference to compare models with: a human embedding, or the WordNet taxonomy.

    \b
    Example: triadic ingest reference --path vice_embedding_1854x42.npy
    """
    from triadic.ingest import reference as references

    if sum(map(bool, (path, download, wordnet, fit))) != 1:
        raise click.UsageError("give one of --path FILE, --download NAME, --wordnet or --fit RUN")
    if fit:
        from triadic.ingest.responses import reference_from_fit

        found = reference_from_fit(lab, fit, name or f"fit-{fit[:8]}", dims)
    elif wordnet:
        found = references.wordnet_reference(lab, concept_set, dims or 30)
    elif download:
        found = references.reference_from_web(lab, download, concept_set)
    else:
        found = references.reference_from_file(lab, path, concept_set, name, source, dims, ids)
    say(f"reference {found}; `triadic align` compares every embedding with it")


def _shipped(name: str, doc: str):
    @in_lab()
    def command(lab):
        from triadic.ingest import published

        say(f"{getattr(published, f'ingest_{name}')(lab)} new rows")

    command.__doc__ = f"{doc}\n\n\b\nExample: triadic ingest {name}"
    return ingest.command(name)(command)


_shipped("suite", "The paper's models with their ingredients.")
_shipped("benchmarks", "Public benchmark scores of the suite.")
_shipped("published", "The paper's tables and statistics, as printed.")


@ingest.command()
@click.argument("path", type=PATH)
@click.option("--rater", default="people", show_default=True, help="Who answered.")
@click.option("--concepts", "concept_set", default=DEFAULT_SET, show_default=True, help="Concepts the columns index.")
@in_lab()
def responses(lab, path, rater, concept_set):
    """Odd-one-out answers from a file: three 0-based columns per row, the third is the odd one.

    \b
    Example: triadic ingest responses triplets.txt --rater people
    """
    from triadic.ingest.responses import ingest_responses

    say(f"judge run {ingest_responses(lab, path, rater, concept_set)}")


@cli.group(cls=Group)
def model():
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
def add(lab, weights, name, gguf_file, revision, trust_remote_code, **told):
    """Add a model: a hub id, a folder, a GGUF file, or the name of a model on a server (URL#NAME).

    \b
    Example: triadic model add Qwen/Qwen2.5-0.5B-Instruct
    """
    from triadic.ingest.models import add_model, lacking

    source = {"gguf_file": gguf_file, "revision": revision}
    rater, found = add_model(lab, weights, name, **source, trust_remote_code=trust_remote_code, told=told)
    say(f"{rater}: {found} ingredients read from the checkpoint")
    if unknown := lacking(lab, rater):
        say(f"unknown, and left empty: {', '.join(unknown)} (options of `triadic model add` tell them)")
    say(f"next: triadic run {rater}")


@model.command("list")
@listed
@in_lab()
def list_models(lab):
    """Every model with its main ingredients.

    \b
    Example: triadic model list --format csv
    """
    return lab.store.read(
        "SELECT rater_id AS model, family, n_params, instruction_tuned, architecture, prompt_style, weights "
        "FROM model_current ORDER BY family, n_params, model"
    )


@model.command()
@click.argument("name")
@listed
@in_lab()
def show(lab, name):
    """What is known of one model: each value, and where it comes from.

    \b
    Example: triadic model show gemma-3-270m
    """
    from triadic.reports.models import model_card

    return model_card(lab, name)


@cli.command()
@click.option("--triplets", default=35_000, show_default=True, help="How many questions to draw.")
@click.option("--seed", default=0, show_default=True)
@click.option("--concepts", "concept_set", default=DEFAULT_SET, show_default=True)
@click.option("--dims", default=30, show_default=True, help="Dimensions the fit will have, for the theory.")
@in_lab()
def plan(lab, triplets, seed, concept_set, dims):
    """Draw a triplet set; says what the sample-size theory asks for.

    \b
    Example: triadic plan --triplets 35000 --seed 0
    """
    from triadic.compute.stages.plan import draw_triplet_set
    from triadic.compute.triplets import sample_size
    from triadic.schema.lookup import read_concepts

    drawn = draw_triplet_set(lab, concept_set, triplets, seed)
    for line in sample_size(len(read_concepts(lab, concept_set)), dims).lines():
        say(line)
    click.echo(drawn)


def asking(command):
    """Options that decide how a rater is asked."""
    options = [
        click.option("--triplet-set", help="Beginning of a triplet set's id  [default: the newest]"),
        click.option("--answer", type=click.Choice(["score", "sample"]), default="score", show_default=True,
                     help="Compare the options' log-probabilities, or let the model write."),
        click.option("--framing", type=click.Choice(["anchored", "odd-one-out"]), default="anchored", show_default=True),
        click.option("--orders", type=click.Choice(["drawn", "both"]), default="drawn", show_default=True,
                     help="Ask each question as drawn, or both ways round."),
        click.option("--repeat", "repeats", default=1, show_default=True, help="Ask each question so many times."),
        click.option("--device", help="cpu, cuda, mps  [default: the best there is]"),
        click.option("--dtype", type=click.Choice(["bfloat16", "float32", "float16"]), help="[default: bfloat16]"),
        click.option("--batch-size", type=int,
                     help="Questions asked and saved together  [default: what half a minute answers]"),
        click.option("--concurrency", default=8, show_default=True, help="Requests in flight, for a model on a server."),
        click.option("--trust-remote-code", is_flag=True, help="Let the checkpoint run its own code."),
        click.option("--allow-pickle", is_flag=True, help="Accept pickled weights."),
    ]  # fmt: skip
    return functools.reduce(lambda f, option: option(f), reversed(options), command)


def _settings(answer, framing, orders, repeats, fit=None, align=None, seed=0, **how):
    from triadic.compute.judges.factory import JudgeSettings
    from triadic.compute.stages.align import AlignSettings
    from triadic.compute.stages.embed import FitSettings
    from triadic.compute.stages.pipeline import RunSettings

    judge = JudgeSettings(answer=answer, framing=framing, **how)
    return RunSettings(judge, orders, repeats, fit or FitSettings(), align or AlignSettings(), seed)


@cli.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--reparse", "again", is_flag=True, help="Read stored texts again, without asking the model.")
@asking
@in_lab()
def judge(lab, models, again, triplet_set, **how):
    """Put the triplets to models and keep every answer.

    \b
    Example: triadic judge gemma-3-270m --answer score
    """
    from triadic.compute.stages.pipeline import judge_rater, reparse_rater
    from triadic.reports.tracking import mirror
    from triadic.schema.lookup import find_rater, find_triplet_set

    questions, settings = find_triplet_set(lab, triplet_set), _settings(**how)
    for name in [find_rater(lab, m) for m in models]:
        if again:
            run_id, changed = reparse_rater(lab, name, questions, settings)
            say(f"{name}: {changed} answers read differently")
        else:
            run_id = judge_rater(lab, name, questions, settings, bar(name))
        click.echo(run_id)
    mirror(lab)


def fitting(command):
    """Options that decide how answers are fitted."""
    options = [
        click.option("--algorithm", default="ckl", show_default=True, help="ckl, ste, tste, soe, gnmds or spose."),
        click.option("--dims", "n_dims", default="30", show_default=True, help="Dimensions, or auto."),
        click.option("--heldout", "heldout_share", default=0.2, show_default=True, help="Share of questions held out."),
        click.option("--restarts", "n_restarts", default=1, show_default=True, help="Random starts; the best is kept."),
        click.option("--answers", type=click.Choice(["hard", "graded"]), default="hard", show_default=True,
                     help="Fit the choices, or the log-probabilities."),
        click.option("--temperature", default=1.0, show_default=True, help="Of graded answers."),
        click.option("--patience", type=int, help="Stop early after so many steps without a better held-out loss."),
        click.option("--seed", default=0, show_default=True, help="Of the split and the random starts."),
    ]  # fmt: skip
    return functools.reduce(lambda f, option: option(f), reversed(options), command)


def drawing(command):
    """Options that decide how many times a figure is drawn again, for its chance, ceiling and interval."""
    options = [
        click.option("--bootstraps", "n_bootstraps", default=100, show_default=True, help="Refits to resampled answers."),
        click.option("--coin-flips", "n_coin_flips", default=200, show_default=True, help="Refits to coin flips."),
        click.option("--ceilings", "n_ceiling", default=20, show_default=True, help="Refits to simulated people."),
        click.option("--permutations", "n_permutations", default=1000, show_default=True, help="Shuffles of the concepts."),
    ]  # fmt: skip
    return functools.reduce(lambda f, option: option(f), reversed(options), command)


DRAWS = ("n_bootstraps", "n_coin_flips", "n_ceiling", "n_permutations")


def _draws(how):
    """Take the options of `drawing` out of `how`, as AlignSettings."""
    from triadic.compute.stages.align import AlignSettings

    return AlignSettings(**{name: how.pop(name) for name in DRAWS})


def _fit(n_dims, **how):
    from triadic.compute.stages.embed import FitSettings
    from triadic.schema.errors import BadInput

    if n_dims != "auto" and not n_dims.isdigit():
        raise BadInput(f"--dims is a number or auto, not {n_dims!r}")
    return FitSettings(n_dims=None if n_dims == "auto" else int(n_dims), **how)


@cli.command("embed")
@click.argument("models", nargs=-1, required=True)
@click.option("--learning-curve", is_flag=True, help="Held-out accuracy and R² against the number of answers instead.")
@click.option("--reference", help="Reference for the learning curve's R²  [default: the first in the lab]")
@fitting
@in_lab()
def embed_command(lab, models, learning_curve, reference, seed, **how):
    """Fit an ordinal embedding to every finished judge run of these models.

    \b
    Example: triadic embed gemma-3-270m --dims auto --restarts 3
    """
    from triadic.compute.stages.embed import embed
    from triadic.compute.stages.pipeline import runs_of
    from triadic.reports.tracking import mirror

    settings = _fit(**how)
    if learning_curve:
        from triadic.compute.stages.learning import curves
        from triadic.reports.output import render_frame

        click.echo(render_frame(curves(lab, runs_of(lab, "judge", models), settings, seed, reference)).rstrip())
        return
    for run_id in runs_of(lab, "judge", models):
        click.echo(embed(lab, run_id, settings, seed))
    mirror(lab)


@cli.command("align")
@click.argument("models", nargs=-1)
@drawing
@in_lab()
def align_command(lab, models, **how):
    """Compare embeddings (of these models, or all) with every reference in the lab.

    \b
    Example: triadic align
    """
    from triadic.compute.stages.align import align
    from triadic.compute.stages.pipeline import runs_of
    from triadic.reports.tracking import mirror

    settings = _draws(how)
    for run_id in runs_of(lab, "embed", models):
        for aligned in align(lab, run_id, settings=settings, progress=bar("align", "refits")):
            click.echo(aligned)
    mirror(lab)


@cli.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say what is missing, and about how long it takes.")
@asking
@fitting
@drawing
@in_lab()
def run(lab, models, dry_run, triplet_set, seed, algorithm, n_dims, heldout_share, n_restarts, answers, temperature,
        patience, **how):  # fmt: skip
    """Whatever is missing for these models: judge, embed, align. Repeating it does nothing.

    \b
    Example: triadic run gemma-3-270m --dry-run
    """
    from triadic.compute.stages.pipeline import missing, run_rater
    from triadic.reports.tracking import mirror
    from triadic.schema.lookup import find_rater, find_triplet_set

    fit = _fit(n_dims, algorithm=algorithm, heldout_share=heldout_share, n_restarts=n_restarts, answers=answers,
               temperature=temperature, patience=patience)  # fmt: skip
    aligned = _draws(how)
    questions, settings = find_triplet_set(lab, triplet_set), _settings(fit=fit, align=aligned, seed=seed, **how)
    for name in [find_rater(lab, m) for m in models]:
        if dry_run:
            click.echo("\n".join(missing(lab, name, questions, settings)) or f"{name}: nothing is missing")
        else:
            run_rater(lab, name, questions, settings, bar(name), bar(f"{name}: align", "refits"))
            say(f"{name}: done; `triadic report ranking` shows where it stands")
    mirror(lab)


@cli.command()
@click.option("--runs", is_flag=True, help="One row per run instead of one per rater.")
@click.option("--all", "everyone", is_flag=True, help="Raters without any run too.")
@click.option("--mirror", "catch_up", is_flag=True, help="Bring the MLflow mirror up to date first.")
@listed
@in_lab()
def status(lab, runs, everyone, catch_up):
    """Models × stages: what is there, and what is missing.

    \b
    Example: triadic status --runs
    """
    from triadic.reports.status import status as rows

    if catch_up:
        from triadic.reports.tracking import catch_up

        say(f"{catch_up(lab, thorough=True, progress=bar('mirror', 'runs'))} runs mirrored")
    return rows(lab, runs, everyone)


@cli.group(cls=Group)
def report():
    """What people read: each report is one view, one statistic, one table."""


def rendered(command):
    """Print the report that the command returns (with its lab and settings), and save it where that is asked."""

    @click.option(
        "--format",
        "fmt",
        default="text",
        show_default=True,
        type=click.Choice(["text", "csv", "json", "latex", "markdown", "parquet"]),
    )
    @click.option("--table", help="Only this table of the report.")
    @click.option("--save", is_flag=True, help="Every format and figure into the lab's reports/, and into MLflow.")
    @functools.wraps(command)
    def printed(*args, fmt, table, save, **options):
        from triadic.reports.output import render

        lab, found, how = command(*args, **options)
        text = render(found, fmt, table)
        click.echo(text.rstrip("\n") if isinstance(text, str) else text, nl=isinstance(text, str))
        if save:
            from triadic.reports.saving import save as write
            from triadic.reports.tracking import mirror

            say(f"saved in {write(lab, found, how)}")
            mirror(lab)

    return printed  # fmt: skip


@report.command()
@rendered
@in_lab()
def quality(lab):
    """Can the answers be trusted: invalid answers, pull of the first option, agreements, held-out accuracy.

    \b
    Example: triadic report quality
    """
    from triadic.reports.quality import report as found

    return lab, found(lab.store), {}


@report.command()
@click.argument("first")
@click.argument("second")
@click.option("--metric", help="Only this metric.")
@click.option("--reference", help="Only against this reference.")
@rendered
@in_lab()
def compare(lab, first, second, metric, reference):
    """Two models draw by draw: the difference of every figure, with its interval.

    \b
    Example: triadic report compare gemma-3-270m all-MiniLM-L6-v2
    """
    from triadic.reports.compare import report as compared
    from triadic.schema.lookup import find_rater

    how = {"first": find_rater(lab, first), "second": find_rater(lab, second), "metric": metric, "reference": reference}
    return lab, compared(lab.store, **how), how


def _statistical(name: str, doc: str, *options, origin: str = "published"):
    """A report of the paper's section 4: one pattern of options, output and files for all of them."""

    @click.option(
        "--origin", type=click.Choice(["published", "measured", "both"]), default="published", show_default=True
    )
    @click.option("--metric", help="Alignment metric to explain  [default: procrustes_r2]")
    @click.option("--reference", help="Reference it is measured against (measured results).")
    @click.option(
        "--format",
        "fmt",
        default="text",
        show_default=True,
        type=click.Choice(["text", "csv", "json", "latex", "markdown", "parquet"]),
    )
    @click.option("--table", help="Only this table of the report.")
    @click.option("--save", is_flag=True, help="Every format and figure into the lab's reports/, and into MLflow.")
    @in_lab()
    def command(lab, fmt, table, save, **how):
        import importlib

        from triadic.reports.output import render

        module = importlib.import_module(f"triadic.reports.{name}")
        found = module.report(lab.store, **{k: v for k, v in how.items() if v is not None})
        text = render(found, fmt, table)
        click.echo(text.rstrip("\n") if isinstance(text, str) else text, nl=isinstance(text, str))
        if save:
            from triadic.reports.saving import save as write
            from triadic.reports.tracking import mirror

            say(f"saved in {write(lab, found, how)}")
            mirror(lab)

    command.__doc__ = f"{doc}\n\n\b\nExample: triadic report {name} --origin both --format latex"
    return report.command(name)(functools.reduce(lambda f, option: option(f), options, command))  # fmt: skip


_statistical("ranking", "Where everybody stands: each figure with its chance, ceiling and interval.", origin="both")
_statistical("ingredients", "Which ingredients go with human-like concepts: correlations and group tests.")
_statistical(
    "regression",
    "The mixed-effects model, and everything needed to doubt it.",
    click.option("--formula", help="A formula of your own, for example 'alignment ~ n_params + instruction_tuned'."),
)
_statistical("stages", "Post-training stages per lineage, and matched base–instruct pairs.")
_statistical(
    "benchmarks",
    "Correlation with benchmark scores, of one scale and source.",
    click.option("--harness", help="Take this source's scores instead of the primary ones."),
)
_statistical("paper", "Every statistic of the paper beside ours, with a verdict.")  # fmt: skip


@cli.command()
@click.argument("query")
@listed
@in_lab()
def sql(lab, query):
    """Ask the lab in SQL, read-only; works while a judge runs.

    \b
    Example: triadic sql "SELECT rater, anchor, choice FROM judgment LIMIT 5"
    """
    from triadic.reports.status import query as rows

    return rows(lab, query)


@cli.command()
@click.option("--port", default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@in_lab()
def ui(lab, port, host):
    """The MLflow UI on this lab; stop it with Ctrl-C.

    \b
    Example: triadic ui --port 5001
    """
    from triadic.reports.tracking import catch_up
    from triadic.reports.tracking.ui import serve

    catch_up(lab, thorough=True, progress=bar("mirror", "runs"))
    say("MLflow is starting, which takes some seconds")
    sys.exit(serve(lab, host, port, lambda url: say(f"{url} shows this lab; Ctrl-C stops it")))


@cli.command()
@in_lab()
def doctor(lab):
    """Check the lab: its file, its spool, rows that point nowhere, runs that never finished.

    \b
    Example: triadic doctor
    """
    from triadic.schema.upkeep import examine

    problems = examine(lab)
    for problem in problems:
        click.echo(problem)
    say("this lab is sound" if not problems else f"{len(problems)} things to look at")
    sys.exit(1 if problems else 0)


@cli.command()
@click.argument("target", type=PATH)
@in_lab()
def backup(lab, target):
    """Copy the whole lab to a new folder, consistently, also while a judge runs.

    \b
    Example: triadic backup ../lab-2026-11-23
    """
    from triadic.schema.upkeep import backup as copy

    copy(lab, target)
    say(f"copied to {target}; open it with --lab {target}")


@cli.command()
@click.argument("target", type=PATH)
@in_lab()
def export(lab, target):
    """Every table as a Parquet file in a new folder, for other tools.

    \b
    Example: triadic export tables/
    """
    from triadic.schema.upkeep import export as write

    say(f"{len(write(lab, target))} tables in {target}")


@cli.command()
@click.option("--triplets", default=35_000, show_default=True, help="How many questions to ask; fewer is quicker.")
@click.option("--model", "extra", type=click.Choice(["smollm2"]), multiple=True, help="One more packaged model.")
@click.option("--reference", type=PATH, help="A human embedding to compare with (VICE .npy or SPoSE text).")
@click.option("--seed", default=0, show_default=True)
@drawing
@in_lab(create=True)
def demo(lab, triplets, extra, reference, seed, **how):
    """The whole pipeline on a real model that ships in a Python package, offline.

    \b
    Example: triadic demo --triplets 2000
    """
    from triadic.compute.stages.pipeline import RunSettings, run_rater
    from triadic.compute.stages.plan import draw_triplet_set
    from triadic.ingest.demo_models import add_packaged
    from triadic.ingest.everything import ingest_everything
    from triadic.ingest.reference import reference_from_file
    from triadic.reports.ranking import standing
    from triadic.reports.tracking import mirror

    for line in ingest_everything(lab):
        say(f"  {line}")
    if reference:
        reference_from_file(lab, reference, DEFAULT_SET)
    questions, settings = draw_triplet_set(lab, DEFAULT_SET, triplets, seed), RunSettings(align=_draws(how))
    for name in ("gemma3-270m", "minilm", *extra):
        rater = add_packaged(lab, name)
        run_rater(lab, rater, questions, settings, bar(rater), bar(f"{rater}: align", "refits"))
    mirror(lab)
    click.echo(standing(lab))


def main() -> None:
    """Run the command line; every error Triadic knows becomes one line on stderr and an exit code."""
    try:
        status_code = cli(standalone_mode=False)
    except TriadicError as error:
        say(f"Error: {error}")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        say("\nStopped. Everything answered so far is kept: the same command goes on from here.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        say(f"Error: {error.filename or 'the system'}: {error.strerror or error}")
        sys.exit(1)
    sys.exit(status_code or 0)


if __name__ == "__main__":
    main()
