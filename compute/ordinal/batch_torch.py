"""All fits of a batch together, as torch tensors with the fit as first axis; for GPUs, and the same on a processor.

The losses are written a second time here, as plain formulas whose slopes torch derives; the tests hold the two
writings together.
"""

from __future__ import annotations

import numpy as np

from triadic.compute.ordinal.estimator import OrdinalEmbedding
from triadic.compute.ordinal.gather import Gather
from triadic.compute.ordinal.lbfgs import ARMIJO, MEMORY, MOST_TRIALS, WINDOW
from triadic.schema.errors import BadInput, Unavailable


def fit_together(estimator: OrdinalEmbedding, index, counts, watched, n_items: int, device: str, progress=None):
    """One L-BFGS search per row of `counts`, in step. Arguments as `fit_many` prepares them; returns its ManyFits."""
    import torch

    from triadic.compute.ordinal.batch import ManyFits

    if estimator.lower is not None or estimator.patience is not None:
        raise BadInput("fits on a torch device know no bounds and no early stopping: use device=None for those")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise Unavailable(
            f"torch has no device {device!r} here ({str(error).splitlines()[0]}): use device=None"
        ) from error
    seed = np.random.SeedSequence(estimator.seed).spawn(1)[0]
    start = estimator._start(n_items, np.random.default_rng(seed))
    problem = _Problem(torch, estimator, index, counts, n_items, device)
    x0 = torch.as_tensor(start, device=device).reshape(1, -1).repeat(len(counts), 1)
    x, value, steps, reason = _search(torch, problem, x0, estimator.max_steps, estimator.tol, progress)
    embeddings = x.reshape(len(counts), n_items, -1).cpu().numpy()
    heldout = np.full((len(counts), 2), np.nan)
    if watched is not None:
        watched = Gather(watched)
        heldout = np.array([estimator._watch(estimator._matrix(embedding), watched) for embedding in embeddings])
    reason = np.array(reason, dtype=object)
    return ManyFits(
        embeddings=embeddings,
        converged=reason == "converged",
        reason=reason,
        n_iter=np.array(steps),
        train_loss=value.cpu().numpy(),
        heldout_loss=heldout[:, 0],
        heldout_accuracy=heldout[:, 1],
    )


def _torch_loss(torch, estimator: OrdinalEmbedding, near, far):
    """Loss of each answer as a formula over squared distances (anchored estimators)."""
    name = type(estimator).__name__
    if name == "CKL":
        return torch.log((2 * estimator.mu + near + far) / (estimator.mu + far))
    if name == "STE":
        return torch.nn.functional.softplus(near - far, threshold=1e9)
    if name == "TSTE":
        alpha = max(estimator.n_dims - 1, 1) if estimator.alpha is None else estimator.alpha
        return torch.nn.functional.softplus(
            0.5 * (alpha + 1) * torch.log((alpha + near) / (alpha + far)), threshold=1e9
        )
    if name == "SOE":
        return torch.relu(1 + torch.sqrt(near + 1e-10) - torch.sqrt(far + 1e-10)) ** 2
    if name == "GNMDS":
        violation = torch.relu(1 + near - far)
        slope = torch.clamp(violation / estimator.corner, max=1.0).detach()
        return slope * (violation - 0.5 * estimator.corner * slope)
    raise BadInput(f"{name} has no torch form: use device=None")


class _Problem:
    """Mean loss and gradient of every fit, (B,) and (B, n·d), for the rows named."""

    def __init__(self, torch, estimator, index, counts, n_items, device):
        self.torch, self.estimator, self.n_items = torch, estimator, n_items
        self.index = torch.as_tensor(index.astype(np.int64), device=device)
        self.counts = torch.as_tensor(counts / counts.sum(axis=1, keepdims=True), device=device)

    def __call__(self, x, rows):
        torch, n = self.torch, self.n_items
        x = x.reshape(len(rows), n, -1)
        square = (x * x).sum(-1)
        matrix = torch.baddbmm(square[:, :, None] + square[:, None, :], x, x.transpose(1, 2), alpha=-2.0).clamp_(
            min=0.0
        )
        values = [matrix.reshape(len(rows), -1).index_select(1, i).requires_grad_() for i in self.index]
        with torch.enable_grad():
            losses = _torch_loss(torch, self.estimator, *values) * self.counts[rows]
            slopes = torch.autograd.grad(losses.sum(), values)
        pull = torch.zeros(len(rows), n * n, dtype=x.dtype, device=x.device)
        for i, slope in zip(self.index, slopes, strict=True):
            pull.index_add_(1, i, slope)
        pull = pull.reshape(len(rows), n, n)
        pull = pull + pull.transpose(1, 2)
        gradient = 2.0 * (pull.sum(-1, keepdim=True) * x - torch.bmm(pull, x))
        value = losses.detach().sum(-1)
        rate = getattr(self.estimator, "trace", 0.0) / n
        if rate:
            value, gradient = value + rate * square.sum(-1), gradient + 2.0 * rate * x
        return value, gradient.reshape(len(rows), -1)


def _search(torch, problem, x0, max_steps, tol, progress):
    """`lbfgs.minimize`, for all rows in step; a row that has ended leaves the batch."""
    final_x, final_value = x0.clone(), torch.full((len(x0),), float("nan"), dtype=x0.dtype, device=x0.device)
    steps, reason = [0] * len(x0), ["max_steps"] * len(x0)
    rows = torch.arange(len(x0), device=x0.device)
    x = x0
    value, gradient = problem(x, rows)
    moved = torch.zeros(MEMORY, *x.shape, dtype=x.dtype, device=x.device)
    turned = torch.zeros_like(moved)
    inverse = torch.zeros(MEMORY, len(x), dtype=x.dtype, device=x.device)  # 1/(s·y), 0 where there is no pair
    scale = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    recent = [value]
    for step in range(1, max_steps + 1):
        direction = -gradient
        order = [(step - 2 - k) % MEMORY for k in range(min(step - 1, MEMORY))]
        alpha = {}
        for k in order:
            alpha[k] = inverse[k] * (moved[k] * direction).sum(-1)
            direction = direction - alpha[k][:, None] * turned[k]
        fresh = scale == 0
        direction = direction * torch.where(fresh, torch.ones_like(scale), scale)[:, None]
        for k in reversed(order):
            beta = inverse[k] * (turned[k] * direction).sum(-1)
            direction = direction + (alpha[k] - beta)[:, None] * moved[k]
        slope = (direction * gradient).sum(-1)
        uphill = ~(slope < 0)
        direction = torch.where(uphill[:, None], -gradient, direction)
        slope = torch.where(uphill, -(gradient * gradient).sum(-1), slope)
        length = torch.where(fresh | uphill, (1.0 / torch.sqrt(-slope)).clamp(max=1.0), torch.ones_like(slope))
        length = torch.nan_to_num(length, nan=0.0, posinf=1.0)
        trial = x + length[:, None] * direction
        trial_value, trial_gradient = problem(trial, rows)
        for _ in range(MOST_TRIALS):
            good = (trial_value <= value + ARMIJO * length * slope) & torch.isfinite(trial_gradient.sum(-1))
            if bool(good.all()):
                break
            bad = torch.nonzero(~good).ravel()
            lack = trial_value[bad] - value[bad] - length[bad] * slope[bad]
            best = torch.nan_to_num(-0.5 * slope[bad] * length[bad] ** 2 / lack, nan=0.0, posinf=0.0)
            length[bad] = torch.minimum(torch.maximum(best, 0.1 * length[bad]), 0.5 * length[bad])
            trial[bad] = x[bad] + length[bad, None] * direction[bad]
            trial_value[bad], trial_gradient[bad] = problem(trial[bad], rows[bad])
        finite = torch.isfinite(trial_value)
        trial = torch.where(good[:, None], trial, x)
        trial_gradient = torch.where(good[:, None], trial_gradient, gradient)
        trial_value = torch.where(good, trial_value, value)
        slot = (step - 1) % MEMORY
        moved[slot], turned[slot] = trial - x, trial_gradient - gradient
        product, size = (moved[slot] * turned[slot]).sum(-1), (turned[slot] * turned[slot]).sum(-1)
        usable = product > 1e-10 * size
        inverse[slot] = torch.where(usable, 1.0 / product, torch.zeros_like(product))
        scale = torch.where(usable, product / size, scale)
        x, value, gradient = trial, trial_value, trial_gradient
        recent = [*recent[-WINDOW:], value]
        settled = torch.zeros_like(good)
        if len(recent) > WINDOW:
            settled = recent[0] - value <= tol * value.abs().clamp(min=1e-12)
        settled = (settled & good) | ~(gradient != 0).any(-1)
        ended = settled | ~good
        if bool(ended.any()) or step == max_steps:
            final_x[rows], final_value[rows] = x, value
            for k, row in enumerate(rows.tolist()):
                steps[row] = step
                if bool(settled[k]):
                    reason[row] = "converged"
                elif not bool(good[k]):
                    reason[row] = "stuck" if bool(finite[k]) else "non-finite"
            keep = torch.nonzero(~ended).ravel()
            rows, x, value, gradient, scale = rows[keep], x[keep], value[keep], gradient[keep], scale[keep]
            moved, turned, inverse = moved[:, keep], turned[:, keep], inverse[:, keep]
            recent = [entry[keep] for entry in recent]
            if progress is not None:
                progress(len(x0) - len(rows))
            if not len(rows):
                break
    return final_x, final_value, steps, reason
