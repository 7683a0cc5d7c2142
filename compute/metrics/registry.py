"""Every metric by name: what it needs, how far it can go, and where chance lies. Stage, reports and docs read this."""

from collections.abc import Callable
from dataclasses import dataclass

from triadic.compute.metrics.agreement import answer_agreement, triplet_agreement
from triadic.compute.metrics.category import category_silhouette
from triadic.compute.metrics.cka import cka_biased, cka_debiased
from triadic.compute.metrics.neighbours import knn_overlap
from triadic.compute.metrics.procrustes import procrustes_r2, procrustes_r2_cv
from triadic.compute.metrics.rsa import (
    rsa_pearson_cosine,
    rsa_pearson_euclidean,
    rsa_spearman_cosine,
    rsa_spearman_euclidean,
)
from triadic.schema.errors import BadInput, NotFound


@dataclass(frozen=True)
class Metric:
    """A pure function and what a reader must know about it.

    `needs` names the function's positional arguments in order, out of human, model, triplets, answers and labels.
    `bounds` are the least and the greatest possible value, `chance` says what unrelated spaces score, `least` is the
    number of concepts it needs.
    """

    name: str
    function: Callable[..., float]
    needs: tuple[str, ...]
    bounds: tuple[float, float]
    description: str
    chance: str
    least: int = 4

    def __call__(self, human=None, model=None, *, triplets=None, answers=None, labels=None) -> float:
        """The figure, from whatever of the five the metric needs; BadInput names what is missing."""
        given = {"human": human, "model": model, "triplets": triplets, "answers": answers, "labels": labels}
        for need in self.needs:
            if given[need] is None:
                raise BadInput(f"{self.name} needs {need}, and none were given")
        return self.function(*(given[need] for need in self.needs))


_BOTH = ("human", "model")
_INFINITY = float("inf")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "procrustes_r2",
            procrustes_r2,
            _BOTH,
            (0.0, 1.0),
            "share of the human space's squares left after centring, rotation or reflection, and one scale",
            "not zero: 0.11–0.13 for coin flips at 128 concepts and 30 dimensions, more with a reference of more dimensions",
        ),
        Metric(
            "procrustes_r2_cv",
            procrustes_r2_cv,
            _BOTH,
            (-_INFINITY, 1.0),
            "the same, the turn fitted on four fifths of the concepts and scored on the rest",
            "below zero: a turn fitted to noise predicts worse than the mean",
            least=15,  # three concepts in each of five parts
        ),
        Metric(
            "cka_biased",
            cka_biased,
            _BOTH,
            (0.0, 1.0),
            "linear centred kernel alignment",
            "not zero: 0.11 for coin flips at 128 concepts and 30 dimensions; it grows with dimensions per concept",
        ),
        Metric(
            "cka_debiased",
            cka_debiased,
            _BOTH,
            (-1.0, 1.0),
            "linear centred kernel alignment from the unbiased HSIC",
            "zero on average",
        ),
        Metric(
            "rsa_spearman_euclidean",
            rsa_spearman_euclidean,
            _BOTH,
            (-1.0, 1.0),
            "rank correlation of Euclidean distances between concepts",
            "zero on average",
        ),
        Metric(
            "rsa_spearman_cosine",
            rsa_spearman_cosine,
            _BOTH,
            (-1.0, 1.0),
            "rank correlation of cosine distances about the centroid",
            "zero on average",
        ),
        Metric(
            "rsa_pearson_euclidean",
            rsa_pearson_euclidean,
            _BOTH,
            (-1.0, 1.0),
            "correlation of Euclidean distances between concepts",
            "zero on average",
        ),
        Metric(
            "rsa_pearson_cosine",
            rsa_pearson_cosine,
            _BOTH,
            (-1.0, 1.0),
            "correlation of cosine distances about the centroid",
            "zero on average",
        ),
        Metric(
            "triplet_agreement",
            triplet_agreement,
            ("human", "model", "triplets"),
            (0.0, 1.0),
            "share of the reference's own noise-free answers that the model's embedding predicts",
            "one half",
        ),
        Metric(
            "answer_agreement",
            answer_agreement,
            ("human", "answers"),
            (0.0, 1.0),
            "share of the model's answers that the reference predicts",
            "one half",
        ),
        Metric(
            "knn_overlap",
            knn_overlap,
            _BOTH,
            (0.0, 1.0),
            "share of each concept's 10 nearest neighbours common to both spaces",
            "10 / (concepts − 1): 0.079 at 128",
            least=12,
        ),
        Metric(
            "category_silhouette",
            category_silhouette,
            ("model", "labels"),
            (-1.0, 1.0),
            "how far the concepts' categories stand apart in the model's space",
            "a little below zero",
        ),
    )
}


def metric(name) -> Metric:
    """The metric of that name (`rsa_spearman` means `rsa_spearman_euclidean`); NotFound lists the names."""
    found = METRICS.get("rsa_spearman_euclidean" if name == "rsa_spearman" else name)
    if found is None:
        raise NotFound(f"there is no metric {name!r}; there are: {', '.join(METRICS)}")
    return found


def applicable(names=None, **given) -> list[Metric]:
    """The metrics whose needs are all among the given arguments that are not None: of `names`, which then must do, or
    of all, leaving out those that need more concepts than there are.
    """
    have = {name for name, value in given.items() if value is not None}
    spaces = [given[name] for name in ("human", "model") if given.get(name) is not None]
    n = min((len(space) for space in spaces), default=0)
    return [m for m in map(metric, names or METRICS) if have.issuperset(m.needs) and (names or n >= m.least)]
