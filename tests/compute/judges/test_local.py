"""The transformers judge on tiny checkpoints of every architecture, against arithmetic done the long way."""

import numpy as np
import pytest

from triadic.compute.judges.local.checkpoint import CheckpointJudge
from triadic.compute.judges.local.loading import CheckpointSource, load
from triadic.compute.judges.local.logits import in_float32
from triadic.compute.judges.local.padded import PlainScorer
from triadic.compute.judges.local.steps import StepScorer, levels_of
from triadic.compute.judges.local.tree import SPLITS, TreeScorer, count_tokens
from triadic.compute.judges.prompts import ANSWER_TOKENS, question_texts
from triadic.schema.errors import BadInput, NotFound, TriadicError, Unavailable

CAUSAL = ["llama", "gemma2", "mixtral", "gptj", "gemma3-vision"]
STATEFUL = ["mamba", "falcon-mamba", "mamba2", "jamba"]  # the last alternates states and attention


def judge(folder, **options):
    source = CheckpointSource(folder, dtype="float32", device="cpu")
    return CheckpointJudge(source, options.pop("style", "chat"), **options)


def ask(one, questions):
    out = np.full((len(questions), 2), np.nan)
    for rows in one.batches(questions):
        got = one.answer(questions.take(rows))
        out[rows] = np.c_[got["logprob_left"], got["logprob_right"]]
    return out


def by_hand(one, prompt, form):
    """log P(form | prompt), one token at a time, without batches, padding or caches."""
    import torch

    total = 0.0
    for step, token in enumerate(form):
        ids = torch.tensor([[*prompt, *form[:step]]])
        with torch.inference_mode():
            logits = one.checkpoint.model(input_ids=ids, use_cache=False).logits[0, -1].double()
        total += float(torch.log_softmax(logits, -1)[token])
    return total


@pytest.mark.parametrize("name", [*CAUSAL, *STATEFUL, "falcon-alibi"])
def test_score_is_the_probability_of_the_full_name_in_any_casing(tiny, questions, name):
    one, asked = judge(tiny(name)), questions(3)
    scores = ask(one, asked)
    prompts = one.prompter.encode(one.prompter.texts(asked))
    for row in range(len(asked)):
        other = asked.right[row]
        word = asked.left[row]
        logs = [by_hand(one, prompts[row], form) for form in one.names.forms(word)]
        if not any(b[: len(a)] == a for a in one.names.forms(word) for b in one.names.forms(other)):
            assert scores[row, 0] == pytest.approx(np.logaddexp.reduce(logs), abs=2e-4)


@pytest.mark.parametrize("name", CAUSAL)
def test_tree_and_plain_path_agree(tiny, questions, name):
    asked = questions(40)
    tree, plain = judge(tiny(name), strategy="tree"), judge(tiny(name), strategy="plain")
    assert isinstance(tree.scorer, TreeScorer)
    assert isinstance(plain.scorer, PlainScorer)
    expected = ask(plain, asked)
    for split in ("root", "anchor", "first"):
        tree.scorer.split, tree.scorer.micro_tokens = split, 100
        np.testing.assert_allclose(ask(tree, asked), expected, atol=2e-4)


@pytest.mark.parametrize("name", [*CAUSAL, *STATEFUL, "t5", "falcon-alibi"])
@pytest.mark.parametrize("style", ["chat", "base"])
def test_batch_size_changes_no_answer(tiny, questions, name, style):
    asked = questions(24)
    many, few = judge(tiny(name), style=style), judge(tiny(name), style=style, batch_size=5)
    if hasattr(few.scorer, "batch_rows"):
        few.scorer.batch_rows = 3
    np.testing.assert_allclose(ask(many, asked), ask(few, asked), atol=2e-4)


@pytest.mark.parametrize("name", [*CAUSAL, *STATEFUL, "falcon-alibi"])
def test_steps_and_plain_path_agree(tiny, questions, name):
    asked = questions(40)
    steps, plain = judge(tiny(name), strategy="steps"), judge(tiny(name), strategy="plain")
    assert isinstance(steps.scorer, StepScorer)
    expected = ask(plain, asked)
    np.testing.assert_allclose(ask(steps, asked), expected, atol=2e-4)
    steps.scorer.state_bytes = 20_000  # a few rows: groups are halved until they fit
    np.testing.assert_allclose(ask(steps, asked), expected, atol=2e-4)
    alone = steps.answer(asked.take(np.array([3])))
    assert alone["logprob_left"][0] == pytest.approx(expected[3, 0], abs=2e-4)


def test_steps_read_each_shared_token_once(tiny, questions):
    one = judge(tiny("mamba"))
    asked = one.encode(questions(30))
    root = 5
    levels, ends = levels_of(asked, root)
    distinct = {tuple(each.prompt[root:stop]) for each in asked for stop in range(root + 1, len(each.prompt) + 1)}
    for each in asked:
        distinct |= {
            (*each.prompt[root:], *form[:stop]) for form in each.branches.spellings for stop in range(1, len(form))
        }
    assert sum(len(level.ids) for level in levels) == len(distinct)
    assert sum(len(level.edge) for level in levels) == sum(len(each.branches.edge_token) for each in asked)
    for each, row in zip(asked, ends, strict=True):  # from the end back to the root stands the prompt
        text = []
        for level in reversed(levels[: len(each.prompt) - root]):
            text.append(int(level.ids[row]))
            row = level.parents[row]
        assert text[::-1] == each.prompt[root:]


@pytest.mark.parametrize("name", ["mamba", "falcon-mamba", "mamba2"])
def test_writing_from_copied_states_changes_no_text(tiny, questions, name):
    one, asked = judge(tiny(name), answer="sample"), questions(20)
    assert one.sampler.steps
    quick = one.answer(asked)
    one.sampler.steps = None
    assert quick["raw_text"] == one.answer(asked)["raw_text"]
    one.checkpoint.model.generation_config.repetition_penalty = 1.2  # then the prompt's tokens play a part
    assert judge(tiny(name), answer="sample").sampler.steps
    assert CheckpointJudge(one.checkpoint, "chat", answer="sample").sampler.steps is None


def test_weights_come_back_as_they_were(tiny):
    import torch

    model = load(tiny("llama"), dtype="bfloat16", device="cpu").model
    before = {name: (held.dtype, held.clone()) for name, held in model.state_dict(keep_vars=True).items()}
    buffers = {name: held.dtype for name, held in model.named_buffers()}
    with in_float32(model):
        assert model.dtype == torch.float32
    for name, held in model.state_dict(keep_vars=True).items():
        assert held.dtype == before[name][0]
        assert torch.equal(held, before[name][1])
    assert {name: held.dtype for name, held in model.named_buffers()} == buffers


def test_recurrent_rows_are_never_padded(tiny, questions):
    one, widths = judge(tiny("mamba"), strategy="plain"), []

    def see(_, args, kwargs):
        assert "attention_mask" not in kwargs
        widths.append(kwargs["input_ids"].shape)

    one.checkpoint.model.register_forward_pre_hook(see, with_kwargs=True)
    ask(one, questions(12))
    assert len({width for _, width in widths}) > 1


def test_a_model_the_tree_cannot_follow_is_asked_step_by_step(tiny):
    assert judge(tiny("falcon-alibi")).record()["strategy"] == "steps"
    assert judge(tiny("falcon-alibi"), strategy="plain").record()["strategy"] == "padded"
    assert judge(tiny("llama")).record()["strategy"] == "tree"
    with pytest.raises(BadInput, match="tree"):
        judge(tiny("falcon-alibi"), strategy="tree").record()


def test_the_split_follows_the_cost_of_a_pass(tiny, questions):
    one = judge(tiny("llama"))
    asked = one.encode(questions(60))
    assert 0 <= one.scorer.pass_tokens <= one.scorer.micro_tokens
    one.scorer.pass_tokens = 0  # passes for nothing: whatever reads the fewest tokens
    counts = {split: count_tokens(asked, split) for split in SPLITS}
    assert counts[one.scorer.choose(asked)] == min(counts.values()) < counts["root"]
    one.scorer.pass_tokens = 10**6
    assert one.scorer.choose(asked) == "root"


def test_what_was_measured_is_recorded_and_taken_up_again(tiny):
    one, other = judge(tiny("llama")), judge(tiny("llama"))
    one.scorer.pass_tokens, one.scorer.micro_tokens = 777, 555
    assert one.record()["pass_tokens"] == 777
    assert "pass_tokens" not in one.identity()  # timings decide no identity
    other.resume(one.record())
    assert (other.scorer.pass_tokens, other.scorer.micro_tokens) == (777, 555)
    stateless = judge(tiny("t5"))
    stateless.resume(one.record() | {"prompt_example": None})  # has no such settings
    assert not hasattr(stateless.scorer, "pass_tokens")


def test_a_batch_is_what_half_a_minute_answers(tiny):
    one = judge(tiny("llama"))
    assert "batch_size" not in one.identity()
    assert judge(tiny("llama"), batch_size=7).identity()["batch_size"] == 7
    assert one.record()["batch_size"] == one.batch_size
    for seconds, expected in ((1e-9, 1024), (30 / 25 / 640, 640), (1.0, 64), (0.0, 256)):
        one.scorer.seconds_per_token = seconds
        del one.batch_size
        assert one.batch_size == expected
    assert judge(tiny("t5")).batch_size == 256
    one.resume({"batch_size": 64})
    assert one.batch_size == 64


def test_names_that_begin_alike_do_not_share_an_answer(tiny, questions):
    one = judge(tiny("llama"))
    forms = {word: one.names.forms(word) for word in ("baseball", "baseball glove")}
    tree = one.names.branches(("baseball", "baseball glove"))
    assert tree.contained, forms
    edges = np.log(np.full(len(tree.edge_token), 0.5))
    short, long = np.exp(tree.totals(edges))
    logs = [0.5 ** len(form) for form in forms["baseball"]], [0.5 ** len(form) for form in forms["baseball glove"]]
    assert long == pytest.approx(sum(logs[1]))
    assert short == pytest.approx(sum(logs[0]) - sum(logs[1]))


@pytest.mark.parametrize("name", ["llama", "t5", "mamba"])
@pytest.mark.parametrize("device", ["cuda", "cpu", "mps"])
def test_out_of_memory_halves_the_batch(tiny, questions, name, device):
    import torch

    def run_out_of_memory():
        if device == "cpu":
            torch.empty(1 << 50)  # a petabyte: the processor's own words
        if device == "mps":
            raise RuntimeError("MPS backend out of memory (MPS allocated: 17.9 GB, max allowed: 18.1 GB)")
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    one, asked = judge(tiny(name)), questions(16)
    expected, seen = ask(one, asked), []

    def run_out(_, args, kwargs):
        rows = (kwargs.get("input_ids") if kwargs.get("input_ids") is not None else kwargs["decoder_input_ids"]).shape[
            0
        ]
        seen.append(rows)
        if rows > 4:
            run_out_of_memory()

    hook = one.checkpoint.model.register_forward_pre_hook(run_out, with_kwargs=True)
    np.testing.assert_allclose(ask(one, asked), expected, atol=2e-4)
    assert max(seen) > 4 >= min(seen)
    hook.remove()
    one.checkpoint.model.register_forward_pre_hook(lambda *_: run_out_of_memory())
    with pytest.raises(Unavailable, match="single question"):
        one.answer(asked)


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_nan_logits_fail_the_batch(tiny, questions, name):
    one = judge(tiny(name))
    one.checkpoint.model.get_output_embeddings().weight.data[7, 0] = float("nan")
    with pytest.raises(TriadicError, match="not numbers"):
        one.answer(questions(4))


@pytest.mark.parametrize("name", ["llama", "gptj", "gemma3-vision", "t5", "mamba"])
def test_sampling_stores_text_and_repeats_itself(tiny, questions, name):
    one, asked = judge(tiny(name), answer="sample", seed=3), questions(12)
    one.checkpoint.model.generation_config.do_sample = True
    first, again = one.answer(asked), one.answer(asked)
    assert first == again
    assert all(isinstance(text, str) for text in first["raw_text"])
    assert all(
        (choice is None) != (why is None) for choice, why in zip(first["choice"], first["invalid_reason"], strict=True)
    )
    assert max(first["answer_tokens"]) <= one.sampler.limit
    assert one.record()["sampler"]["do_sample"] is True
    assert judge(tiny(name), answer="sample", seed=4).identity() != one.identity()


@pytest.mark.parametrize("name", ["llama", "gptj", "gemma2", "mixtral", "falcon-alibi", "mamba", "t5"])
def test_greedy_writing_does_not_depend_on_the_batch(tiny, questions, name):
    one, asked = judge(tiny(name), answer="sample"), questions(12)
    together = one.answer(asked)["raw_text"]
    assert together == [one.answer(asked.take(np.array([row])))["raw_text"][0] for row in range(len(asked))]


def test_writing_stops_when_the_answer_is_decided(tiny, questions):
    one, asked = judge(tiny("llama"), answer="sample"), questions(2)
    tokenizer, limit = one.checkpoint.tokenizer, one.sampler.limit
    line = tokenizer(asked.left[0] + ".\n", add_special_tokens=False)["input_ids"]
    script = iter([*line, *[line[0]] * 50])
    import torch

    def write(module, args, kwargs, out):
        out.logits = torch.full_like(out.logits, -9.0)
        out.logits[..., next(script)] = 9.0
        return out

    alone = asked.take(np.array([0]))
    one.checkpoint.model.register_forward_hook(write, with_kwargs=True)
    got = one.answer(alone)
    assert got["choice"] == ["left"]
    assert got["answer_tokens"][0] <= len(line) < limit


def test_a_base_model_has_room_for_the_question_and_its_answer_and_stops_there(tiny, questions):
    import torch

    one, asked = judge(tiny("llama"), style="base", answer="sample"), questions(1)
    assert one.sampler.limit == one.identity()["max_tokens"] == ANSWER_TOKENS["base"] > ANSWER_TOKENS["chat"]
    assert judge(tiny("llama"), answer="sample").sampler.limit == ANSWER_TOKENS["chat"]
    assert judge(tiny("llama"), answer="sample", max_tokens=7).sampler.limit == 7
    with pytest.raises(BadInput, match="max_tokens is 0"):
        judge(tiny("llama"), answer="sample", max_tokens=0)
    one.sampler.limit = 200  # the tiny tokenizer has a token for nearly every letter
    (again,) = question_texts(asked, "anchored")
    text = f"\n{again}\nAnswer: {asked.right[0]}\n"
    tokens = one.checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"]
    script = iter(tokens * 2)

    def write(module, args, kwargs, out):
        out.logits = torch.full_like(out.logits, -9.0)
        out.logits[..., next(script)] = 9.0
        return out

    one.checkpoint.model.register_forward_hook(write, with_kwargs=True)
    got = one.answer(asked)
    assert (got["choice"], got["invalid_reason"]) == (["right"], [None])
    assert got["answer_tokens"][0] <= len(tokens)


def test_odd_one_out_scores_all_three(tiny, questions):
    one, asked = judge(tiny("llama"), framing="odd-one-out"), questions(30)
    got = one.answer(asked)
    logs = np.c_[got["logprob_left"], got["logprob_right"], got["logprob_anchor"]]
    assert np.isfinite(logs).all()
    assert got["choice"] == [["right", "left", "apart"][at] for at in logs.argmax(1)]


def test_batches_cover_each_question_once_whatever_the_order(tiny, questions):
    one, asked = judge(tiny("llama"), batch_size=7), questions(40)
    rows = np.concatenate(one.batches(asked))
    assert sorted(rows.tolist()) == list(range(40))
    shuffled = np.random.default_rng(1).permutation(40)
    other = one.batches(asked.take(shuffled))
    assert [shuffled[part].tolist() for part in other] == [part.tolist() for part in one.batches(asked)]


def test_half_precision_t5_is_refused(tiny):
    with pytest.raises(BadInput, match="float16"):
        load(tiny("t5"), dtype="float16", device="cpu")


def test_pickled_weights_are_refused_unless_asked_for(tiny, tmp_path, questions):
    import shutil

    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "pickled"
    shutil.copytree(tiny("llama"), folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="--allow-pickle"):
        load(folder)
    opened = load(folder, dtype="float32", device="cpu", allow_pickle=True)
    expected = ask(judge(tiny("llama")), questions(4))
    np.testing.assert_allclose(ask(CheckpointJudge(opened, "chat"), questions(4)), expected, atol=1e-5)


def test_code_from_the_checkpoint_is_refused_unless_asked_for(tiny, tmp_path):
    import json
    import shutil

    folder = tmp_path / "own-code"
    shutil.copytree(tiny("llama"), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "never-heard-of", "auto_map": {"AutoConfig": "mine.C", "AutoModelForCausalLM": "mine.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text("raise SystemExit('ran')\n")
    with pytest.raises(BadInput, match="--trust-remote-code"):
        load(folder)


def test_what_is_not_there_is_said_in_one_line(tmp_path):
    for source in (tmp_path / "nowhere", tmp_path / "no.gguf"):
        with pytest.raises(NotFound) as caught:
            load(source)
        assert "\n" not in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput):
        load(tmp_path / "empty")


@pytest.mark.slow
def test_the_real_small_model_from_gguf(tmp_path, questions):
    """SmolLM2-135M-Instruct: unpacked once, then the tree and the plain path give the same scores in float32."""
    from triadic.compute.judges.local.packaged import packaged

    try:
        home = packaged("smollm2", tmp_path)
    except NotFound as missing:
        pytest.skip(str(missing))
    opened = load(home.folder, gguf_file=home.gguf_file, dtype="float32", device="cpu", cache=tmp_path)
    assert opened.record["gguf_file"] == home.gguf_file
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    load(home.folder, gguf_file=home.gguf_file, dtype="float32", device="cpu", cache=tmp_path)
    assert kept.stat().st_mtime_ns == before
    asked = questions(12)
    tree = CheckpointJudge(opened, "chat", strategy="tree")
    plain = CheckpointJudge(opened, "chat", strategy="plain")
    scores = ask(tree, asked)
    np.testing.assert_allclose(scores, ask(plain, asked), atol=1e-3)
    assert (scores < 0).all()
    assert scores.std() > 0.5
