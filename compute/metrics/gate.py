"""The one gate for input: every metric accepts the same things and refuses the same things, in the same words."""

import numpy as np

from triadic.schema.errors import BadInput


def space(embedding, who="embedding", least=3):
    """`embedding` as float64 of shape (n_concepts, d); BadInput unless it is finite and has two dimensions."""
    try:
        array = np.asarray(embedding, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the {who} is not an array of numbers: {error}") from None
    if array.ndim != 2 or array.shape[1] == 0:
        raise BadInput(f"the {who} has shape {array.shape}; it must be (concepts, dimensions)")
    if len(array) < least:
        raise BadInput(f"the {who} has {len(array)} concepts; this metric needs at least {least}")
    if not np.isfinite(array).all():
        raise BadInput(
            f"the {who} has {np.count_nonzero(~np.isfinite(array))} non-finite values; refit or clean it first"
        )
    return array


def pair(human, model, least=3):
    """Both spaces through `space`, with the same number of concepts (rows in the same order; d may differ)."""
    human, model = space(human, "human embedding", least), space(model, "model embedding", least)
    if len(human) != len(model):
        raise BadInput(
            f"the human embedding has {len(human)} concepts and the model's {len(model)}; match their rows first"
        )
    return human, model


def centred(array, who="embedding"):
    """Columns minus their means, divided by the largest entry so that squares neither overflow nor vanish.

    Every metric is invariant to scale and to translation, so neither step changes a figure.
    """
    size = np.abs(array).max()
    out = array / (size or 1.0)
    out = out - out.mean(0)
    spread = np.abs(out).max()
    # What is left of identical rows after the subtraction is rounding, about 1e-16 of their size.
    if spread <= 1e-12:
        raise BadInput(f"every concept has the same position in the {who}: there is nothing to compare")
    return out / spread


def questions(triplets, n_concepts, who="triplets"):
    """`triplets` as intp of shape (n_answers, 3), three different positions below `n_concepts` in each row."""
    array = np.asarray(triplets)
    if array.ndim != 2 or array.shape[1] != 3 or not np.issubdtype(array.dtype, np.integer):
        raise BadInput(
            f"the {who} have shape {array.shape} and type {array.dtype}; they must be whole numbers, three a row"
        )
    if len(array) == 0:
        raise BadInput(f"there are no {who}: judge some first")
    array = array.astype(np.intp)
    if array.min() < 0 or array.max() >= n_concepts:
        raise BadInput(
            f"the {who} name position {array.max()} or {array.min()}; positions run from 0 to {n_concepts - 1}"
        )
    if (np.diff(np.sort(array, axis=1), axis=1) == 0).any():
        raise BadInput(f"some {who} name the same concept twice")
    return array


def groups(labels, n_concepts, ignore=("other",)):
    """Category of each concept as codes 0…m−1, −1 where it has none (empty, None, or a name in `ignore`)."""
    names = [None if label is None or label != label else str(label).strip() for label in labels]
    if len(names) != n_concepts:
        raise BadInput(f"there are {len(names)} category labels for {n_concepts} concepts")
    kept = sorted({name for name in names if name and name not in ignore})
    if len(kept) < 2:
        raise BadInput(f"category separation needs two categories or more; there are {len(kept)} (left out: {ignore})")
    code = {name: i for i, name in enumerate(kept)}
    return np.array([code.get(name, -1) for name in names], dtype=np.intp)
