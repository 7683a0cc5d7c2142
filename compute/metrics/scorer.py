"""One reference, prepared once, against many spaces: what refits by the hundred are scored with."""

import numpy as np

from triadic.compute.metrics.agreement import agree, preference
from triadic.compute.metrics.category import silhouettes
from triadic.compute.metrics.cka import doubly_centred, u_centred
from triadic.compute.metrics.gate import centred, groups, pair, questions, space
from triadic.compute.metrics.neighbours import neighbours
from triadic.compute.metrics.procrustes import cross_validated, explained, fold_of_concept
from triadic.compute.metrics.registry import applicable
from triadic.compute.metrics.rsa import condensed, cosine, euclidean, ranks, standard
from triadic.schema.errors import BadInput


class Yardstick:
    """Scores spaces against `human` (n_concepts, d) on every metric that triplets (m, 3) and labels allow.

    The same figures as the functions of the registry, several times as fast. metrics: names, all by default.
    """

    def __init__(self, human, metrics=None, *, triplets=None, labels=None):
        self.human = space(human, "human embedding", least=4)
        given = {"human": human, "model": human, "triplets": triplets, "answers": True, "labels": labels}
        self.names = [m.name for m in applicable(metrics, **given)]
        self._wanted = set(self.names)
        n = len(self.human)
        if "triplet_agreement" in self._wanted:
            self._triplets = questions(triplets, n)
        if "category_silhouette" in self._wanted:
            code = groups(labels, n)
            self._kept, self._code = np.flatnonzero(code >= 0), code[code >= 0][None]
        if "procrustes_r2_cv" in self._wanted:
            self._part = fold_of_concept(n, 5, 0)
        self._even = np.ones((1, n))
        self._centred = centred(self.human, "human embedding")
        self._distances = euclidean(self.human, "human embedding")
        self._own = self._describe(self.human, self._distances, "human embedding")

    def score(self, model, answers=None, weights=None, framing="anchored") -> dict[str, float]:
        """Every figure of one space; answers (m, 3), counting by weights (m,), are for answer_agreement."""
        _, model = pair(self.human, model, least=4)
        distances = euclidean(model, "model embedding")
        own, other = self._own, self._describe(model, distances, "model embedding")
        out = {
            name: float(np.clip(own[name].ravel() @ other[name].ravel(), -1, 1)) for name in own if name in _PRODUCTS
        }
        if "knn_overlap" in own:
            out["knn_overlap"] = float((own["knn_overlap"] & other["knn_overlap"]).sum() / own["knn_overlap"].sum())
        if "triplet_agreement" in own:
            out["triplet_agreement"] = float(agree(own["triplet_agreement"], other["triplet_agreement"]))
        if {"procrustes_r2", "procrustes_r2_cv"} & self._wanted:
            stack = centred(model, "model embedding")[None]
            out["procrustes_r2"] = float(explained(self._centred, stack, self._even)[0])
            if "procrustes_r2_cv" in self._wanted:
                out["procrustes_r2_cv"] = float(cross_validated(self._centred, stack, self._even, self._part)[0])
        if "category_silhouette" in self._wanted:
            out["category_silhouette"] = float(silhouettes(distances[np.ix_(self._kept, self._kept)], self._code)[0])
        if "answer_agreement" in self._wanted and answers is not None:
            out["answer_agreement"] = weighted_answer_agreement(self._distances, answers, weights, framing)
        return {name: out[name] for name in self.names if name in out}

    def _describe(self, array, distances, who):
        """What of a space enters the comparison, by metric."""
        wanted = self._wanted
        out = {}
        if "cka_biased" in wanted:
            out["cka_biased"] = doubly_centred(array, who)
        if "cka_debiased" in wanted:
            out["cka_debiased"] = u_centred(array, who)
        for kind, table in (("euclidean", lambda: distances), ("cosine", lambda: cosine(array, who))):
            if wanted & {f"rsa_spearman_{kind}", f"rsa_pearson_{kind}"}:
                values = condensed(table())
                if f"rsa_pearson_{kind}" in wanted:
                    out[f"rsa_pearson_{kind}"] = standard(values, who)
                if f"rsa_spearman_{kind}" in wanted:
                    out[f"rsa_spearman_{kind}"] = standard(ranks(values), who)
        if "knn_overlap" in wanted:
            out["knn_overlap"] = neighbours(distances, 10)
        if "triplet_agreement" in wanted:
            out["triplet_agreement"] = preference(distances, self._triplets)
        return out


_PRODUCTS = {
    "cka_biased",
    "cka_debiased",
    "rsa_spearman_euclidean",
    "rsa_spearman_cosine",
    "rsa_pearson_euclidean",
    "rsa_pearson_cosine",
}


def weighted_answer_agreement(distances, answers, weights=None, framing="anchored") -> float:
    """`answer_agreement` on a table of distances (n, n) where answers (m, 3) count by weights (m,).

    An odd-one-out answer, a pair joined over a third, is two anchored ones: each of the pair is nearer the other.
    """
    answers = questions(answers, len(distances), "answers")
    right = preference(distances, answers) / 2 + 0.5
    if framing == "odd-one-out":
        right = (right + preference(distances, answers[:, [1, 0, 2]]) / 2 + 0.5) / 2
    if weights is not None and not np.sum(weights) > 0:
        raise BadInput("no answer counts: all weights are zero")
    return float(np.average(right, weights=weights))
