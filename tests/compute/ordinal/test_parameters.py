"""An estimator is named with its parameters, says which there are, and refuses what is impossible in one line."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from triadic.compute.ordinal import CKL, LOSSES, TSTE, OrdinalEmbedding, make_estimator
from triadic.schema.errors import BadInput

SOLVER = {"max_steps": 1000, "tol": 3e-4, "record_every": 1}


@pytest.mark.parametrize(
    ("algorithm", "parameters"),
    [
        ("ckl", {"mu": 0.05} | SOLVER),
        ("ste", SOLVER),
        ("tste", {"alpha": None} | SOLVER),
        ("soe", SOLVER),
        ("gnmds", {"trace": 0.1, "corner": 0.1} | SOLVER),
        ("spose", {"l1": 0.004, "prune": None} | SOLVER | {"max_steps": 500, "tol": 1e-4}),
    ],
)
def test_own_parameters_come_first_and_decide_what_a_run_is(algorithm, parameters):
    assert list(LOSSES[algorithm].own_parameters().items()) == list(parameters.items())
    estimator = make_estimator(algorithm, 3, seed=1, n_restarts=2, patience=4)
    assert estimator.hyperparameters() == parameters
    assert estimator.get_params() == parameters | {"n_dims": 3, "seed": 1, "n_restarts": 2, "patience": 4}


@pytest.mark.parametrize("loss", LOSSES.values())
def test_every_parameter_is_a_field_of_its_dataclass(loss):
    assert "__dataclass_fields__" in vars(loss)
    assert set(loss().get_params()) == set(vars(loss()))


def test_parameters_are_json_able_and_whole_numbers_are_the_same_run():
    estimator = CKL(np.int64(4), mu=np.float32(0.5), max_steps=np.int32(7))
    assert json.loads(json.dumps(estimator.get_params()))["mu"] == 0.5
    integer, real = (make_estimator("ckl", 2, parameters={"mu": mu}).hyperparameters() for mu in (1, 1.0))
    assert json.dumps(integer) == json.dumps(real)
    assert make_estimator("tste", 2, parameters={"alpha": None}).hyperparameters()["alpha"] is None
    assert isinstance(make_estimator("spose", 2, parameters={"prune": 5}).hyperparameters()["prune"], int)


def test_parameters_reach_the_fit():
    answers = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 2]])
    sharp, soft = (make_estimator("ckl", 2, parameters={"mu": mu}).fit(answers) for mu in (0.01, 2.0))
    assert sharp.loss(answers) < soft.loss(answers)
    assert make_estimator("tste", 5).degrees == 4
    assert TSTE(5, alpha=2.5).degrees == 2.5


@pytest.mark.parametrize(
    ("algorithm", "given", "message"),
    [
        ("ckl", {"nu": 1.0}, "no parameter 'nu' of ckl: its parameters are mu, max_steps, tol, record_every"),
        ("ckl", {"seed": 3}, "no parameter 'seed' of ckl: its parameters are mu, max_steps, tol, record_every"),
        ("best", {}, "no algorithm 'best': use one of ckl, ste, tste, soe, gnmds, spose"),
        ("ckl", {"mu": 0}, "mu is 0.0: it must be positive, or coinciding items would have no odds"),
        ("ckl", {"mu": "a"}, "mu is 'a': it must be a finite number"),
        ("ckl", {"mu": None}, "mu is None: it must be a finite number"),
        ("ckl", {"mu": True}, "mu is True: it must be a finite number"),
        ("ckl", {"tol": float("nan")}, "tol is nan: it must be a finite number"),
        ("ckl", {"tol": -1}, "tol is -1.0: it must not be negative"),
        ("ckl", {"max_steps": 2.5}, "max_steps is 2.5: it must be a whole number"),
        ("ckl", {"record_every": 0}, "record_every is 0: it must be at least 1"),
        ("tste", {"alpha": float("inf")}, "alpha is inf: it must be a finite number or None"),
        ("spose", {"prune": 0.5}, "prune is 0.5: it must be a whole number or None"),
    ],
)
def test_what_is_impossible_is_refused_in_one_line(algorithm, given, message):
    with pytest.raises(BadInput) as caught:
        make_estimator(algorithm, 2, parameters=given)
    assert str(caught.value) == message


def test_a_loss_is_a_file_with_its_parameters_and_its_formula():
    @dataclass(eq=False, kw_only=True)
    class Plain(OrdinalEmbedding):
        weight: float = 2.0

        def _losses(self, *values):
            near, far = values
            gap = near - far + self.weight
            return gap * gap, 2 * gap, -2 * gap

    answers = np.array([[0, 1, 2], [2, 1, 0]])
    assert list(Plain.own_parameters()) == ["weight", "max_steps", "tol", "record_every"]
    assert Plain(2, weight=1.0).fit(answers).loss(answers) == pytest.approx(0, abs=1e-6)
    with pytest.raises(BadInput, match="Plain has no torch form: fit it without a device"):
        Plain(2).fit(answers, device="cpu")
