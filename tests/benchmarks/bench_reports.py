"""How long each report takes on a lab of 1,000 models, apart from its bootstraps.

Run: python tests/benchmarks/bench_reports.py [models]

Predicted before the first run: everything under 2 s, `paper` slowest because it fits five mixed models; leave-one-out
rank correlations are quadratic in the models and cost about 0.5 s of `ingredients`; the bootstrap costs more than the
rest of `ingredients` together.

Seen (two shared cores under load, one thread; best of two): ingredients 1.02 s, regression 0.74, stages 0.53,
benchmarks 0.56, paper 1.18; with bootstraps ingredients 12.2, benchmarks 1.8, regression 5.3. The order was as
predicted. `paper` took 1.50 before the tests of single terms, which it does not show, were left out of its fits.
"""

import sys
import tempfile
import time

import numpy as np
import pandas as pd

from triadic.ingest.published import ingest_published
from triadic.reports import benchmarks, ingredients, output, paper, regression, stages
from triadic.schema.lab import Lab
from triadic.schema.tables import BenchmarkScore, Model, PublishedAlignment, Rater

STAGES = ("base", "sft", "dpo", "rlvr")
BENCHMARKS = ("IFEval", "BBH", "MATH", "GPQA", "MUSR", "MMLU", "MMLU-PRO")


def fill(lab: Lab, n_models: int, rng: np.random.Generator) -> None:
    """Lines of four stages in forty families, with alignment that depends on tuning, width and family."""
    lines = np.arange(n_models) // len(STAGES)
    stage = np.resize(STAGES, n_models)
    family = lines % 40
    width = rng.choice([1024, 2048, 2560, 3072, 4096, 5120, 8192], lines.max() + 1)[lines]
    head_dim = rng.choice([64, 80, 128, 256], lines.max() + 1)[lines]
    heads = np.maximum(width // rng.choice([64, 128], lines.max() + 1)[lines], 1)
    names = [f"family{f}-line{line}-{s}" for f, line, s in zip(family, lines, stage, strict=True)]
    tuned = stage != "base"
    model = pd.DataFrame(
        {
            "model_id": names,
            "rater_id": names,
            "evidence": "suite",
            "family": [f"family{f}" for f in family],
            "n_params": np.exp(rng.normal(1.5, 1, n_models)),
            "n_layers": rng.integers(12, 80, n_models),
            "n_heads": heads,
            "head_dim": head_dim,
            "hidden_size": width,
            "mlp_dim": (width * rng.choice([2.7, 3.5, 4.0], n_models)).astype(int),
            "vocab_size": rng.integers(30_000, 260_000, n_models),
            "context_length": rng.choice([2048, 4096, 8192, 32768, 131072], n_models),
            "max_position_embeddings": rng.choice([2048, 4096, 8192, 32768, 131072], n_models),
            "activation": rng.choice(["silu", "gelu", "relu"], n_models),
            "activation_family": rng.choice(["swiglu", "geglu", "gelu", "relu"], n_models),
            "attention": rng.choice(["mha", "gqa", "mqa"], n_models),
            "architecture": rng.choice(["decoder", "decoder-moe", "encoder-decoder"], n_models),
            "multimodal": rng.random(n_models) < 0.2,
            "instruction_tuned": tuned,
            "post_training_stage": stage,
            "training_tokens": np.exp(rng.normal(1, 1, n_models)),
            "provenance": "{}",
        }
    )
    value = 0.1 + 0.15 * tuned + width / 60_000 + rng.normal(0, 0.04, 40)[family] + rng.normal(0, 0.05, n_models)
    figure = {"rater_id": names, "metric": "procrustes_r2", "source": "synthetic", "value": value}
    scores = pd.DataFrame(
        {
            "rater_id": name,
            "benchmark": benchmark,
            "source": "one harness",
            "scale": "raw_0-1",
            "is_primary": True,
            "score": float(v + rng.normal(0, 0.1)),
        }
        for name, v in zip(names, value, strict=True)
        for benchmark in BENCHMARKS
    )
    with lab.store.transaction():
        lab.store.insert(Rater, pd.DataFrame({"rater_id": names, "kind": "llm", "created_at": pd.Timestamp.now("UTC")}))
        lab.store.insert(Model, model.assign(recorded_at=pd.Timestamp.now("UTC")))
        lab.store.insert(PublishedAlignment, pd.DataFrame(figure))
        lab.store.insert(BenchmarkScore, scores)
    ingest_published(lab)


def main(n_models: int) -> None:
    import statsmodels.regression.mixed_linear_model  # noqa: F401  imported here so that no report pays for it below

    with tempfile.TemporaryDirectory() as folder:
        lab = Lab.create(f"{folder}/lab")
        fill(lab, n_models, np.random.default_rng(0))
        only = {"reference": "synthetic"}
        reports = {
            "ingredients": lambda: ingredients.report(lab.store, n_resamples=0, **only),
            "regression": lambda: regression.report(lab.store, n_bootstrap=0, **only),
            "stages": lambda: stages.report(lab.store, **only),
            "benchmarks": lambda: benchmarks.report(lab.store, n_resamples=0, **only),
            "paper": lambda: paper.report(lab.store, **only),
            "ingredients, 2,000 resamples": lambda: ingredients.report(lab.store, **only),
            "benchmarks, 2,000 resamples": lambda: benchmarks.report(lab.store, **only),
            "regression, 10,000 bootstrap draws": lambda: regression.report(lab.store, **only),
        }
        print(f"{n_models} models, best of two, seconds: report, of which rendering as text")
        for name, make in reports.items():
            best, rendering = np.inf, np.inf
            for _ in range(1 if "," in name else 2):
                start = time.perf_counter()
                report = make()
                made = time.perf_counter()
                output.render(report)
                end = time.perf_counter()
                best, rendering = min(best, end - start), min(rendering, end - made)
            limit = "" if "," in name else ("  (limit 2 s)" if best < 2 else "  OVER THE LIMIT OF 2 s")
            print(f"  {name:34} {best:6.2f} {rendering:6.2f}{limit}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
