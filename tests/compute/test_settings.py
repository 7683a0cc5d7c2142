"""Settings go into a run's configuration and come back whole; impossible ones are refused when they are made."""

import json

import pytest

from triadic.compute.ordinal import LOSSES, make_estimator
from triadic.compute.settings import AlignSettings, FitSettings, JudgeSettings, restored, stored
from triadic.schema.errors import BadInput, Conflict
from triadic.schema.options import settings_of


@pytest.mark.parametrize("algorithm", LOSSES)
def test_a_configuration_holds_every_setting_and_parameter_once(algorithm):
    settings = FitSettings(algorithm, n_dims=4, answers="graded", temperature=2.0, patience=3, device="cuda")
    own = make_estimator(algorithm, 4).hyperparameters()
    assert not set(own) & set(stored(settings))
    config = json.loads(json.dumps(stored(settings) | own))
    assert set(config) == set(own) | {
        "algorithm",
        "n_dims",
        "heldout_share",
        "n_restarts",
        "answers",
        "temperature",
        "patience",
    }
    back = restored(config)
    assert dict(back.parameters) == own
    assert stored(back) == stored(settings)
    assert back.device is None


def test_a_configuration_that_lacks_a_setting_is_not_filled_with_todays_default():
    config = stored(FitSettings())
    del config["heldout_share"]
    with pytest.raises(Conflict, match="does not say its heldout_share"):
        restored(config)


def test_what_is_stored_is_plain():
    assert stored(AlignSettings(metrics=("cka_debiased",), device="cuda")) == {
        "metrics": ["cka_debiased"],
        "n_permutations": 1000,
        "n_coin_flips": 200,
        "n_bootstraps": 100,
        "n_concept_bootstraps": 1000,
        "n_ceiling": 20,
        "n_split_halves": 20,
    }
    assert stored(AlignSettings(metrics=()))["metrics"] is None
    assert type(stored(FitSettings())["answers"]) is str


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: JudgeSettings(framing="triangle"), "no framing 'triangle': use one of anchored, odd-one-out"),
        (lambda: JudgeSettings(batch_size=0), "batch_size is 0: it must be at least 1"),
        (lambda: FitSettings(answers="soft"), "no answers 'soft': use one of hard, graded"),
        (lambda: FitSettings(temperature=0.0), "temperature is 0.0: it must be above 0"),
        (lambda: AlignSettings(n_bootstraps=-1), "n_bootstraps is -1: it must be at least 0"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(BadInput, match=message):
        make()


def test_parameters_are_read_as_numbers():
    (parameter,) = [each for each in settings_of(FitSettings) if each.name == "parameters"]
    read = parameter.option.parse
    assert [read(text) for text in ("mu=0.2", "max_steps=50", "tol=1e-5", "prune=none")] == [
        ("mu", 0.2),
        ("max_steps", 50),
        ("tol", 1e-5),
        ("prune", None),
    ]
    with pytest.raises(BadInput, match="NAME=NUMBER"):
        read("mu")


def test_what_is_fitted_has_a_flag_of_its_own_and_keeps_its_name_in_the_configuration():
    flags = {each.name: each.flag for each in settings_of(FitSettings)}
    assert flags["answers"] == "--fit-to"
    assert "answers" in stored(FitSettings())
