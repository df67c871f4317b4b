"""The scale and the zero of the logits, which a contrast over differences never learns.

The scratch loss compares the logits of a batch with one another, so that a finished head ranks
well while its logits may lie anywhere. QAConv alone does not mind; re-ranking and TLift do, since
they add up scores, sigmoid(logit / 10). After the last epoch the logits of pairs of training
pictures, changed at random as in training, are therefore fitted to what the pairs are, by logistic
regression (Platt, 1999), and the head takes up the result. Orders by logit stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.matching.scores import score_maps
from qaconv_core.models import AffineHead, FeatureNetwork
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.training.loading import Hands, load_batches
from qaconv_core.training.pictures import PictureCache
from qaconv_core.training.recipes import Augmentation
from qaconv_core.training.samplers import identity_plan
from qaconv_core.types import Float32, Float64, Int64

PEOPLE = 250
"""At most so many people are compared."""
PICTURES = 4
"""Pictures of each."""
TRUE_SHARE = 0.01
"""Share of true pairs that the scores are made for: about that of a test set with a hundred people.
A pair gets the score 1/2 where among such pairs true and false ones are as many."""
LOGITS_A_SCORE = 10.0
"""A score is sigmoid(logit / 10) (DESIGN, "Words")."""


@dataclass(frozen=True)
class Calibration:
    """What logits become: ``slope`` · logit + ``shift``; ``slope`` is above 0."""

    slope: float
    shift: float

    def then(self, other: Calibration) -> Calibration:
        """This one, and ``other`` after it."""
        return Calibration(other.slope * self.slope, other.slope * self.shift + other.shift)

    @property
    def inverse(self) -> Calibration:
        """What takes it back."""
        return Calibration(1 / self.slope, -self.shift / self.slope)


def calibrate(
    network: FeatureNetwork,
    head: AffineHead,
    book: PictureCache,
    change: Augmentation,
    *,
    device: torch.device,
    seed: int = 0,
    precision: str = "float32",
    hands: Hands | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Calibration | None:
    """The calibration of ``head`` by pairs of training pictures; None where they tell nothing.

    Deterministic by ``seed``. The network is left in evaluation or training mode as it was, but
    in the memory format of the runner.
    """
    people = book.people
    count = min(PEOPLE, people.classes)
    random = np.random.default_rng((seed, 11))
    # It deals all people; the first batch is as good as any.
    places = identity_plan(people, count * PICTURES, PICTURES, random)[:1]
    runner = NetworkRunner(network, device, precision, input_size=book.size, cancel=cancel)
    tracker = Tracker("calibrating: features", places.size, "images", progress, cancel)
    parts = []
    plan = _in_batches(places[0], runner.batch)
    for samples in load_batches(
        book, plan, change, grid=head.grid, seed=seed, epoch=_NO_EPOCH, hands=hands
    ):
        parts.append(runner.maps(samples.pixels.numpy()).astype(np.float16))
        tracker.advance(len(samples))
    maps, chosen = np.concatenate(parts), plan.ravel()
    logits = score_maps(
        maps,
        maps,
        head,
        device=device,
        progress=progress,
        cancel=cancel,
        stage="calibrating: scores",
    )
    return fit_calibration(*pairs_of(logits, chosen, people.labels, people.cameras))


_NO_EPOCH = 1_000_000  # random changes of its own, none that an epoch has used


def _in_batches(places: Int64, size: int) -> Int64:
    """(n,) -> (batches, size); the last pictures are left out where they fill no batch."""
    size = min(size, len(places))
    return places[: len(places) // size * size].reshape(-1, size)


def pairs_of(
    logits: Float32, places: Int64, labels: Int64, cameras: Int64
) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """Logits of the pairs that tell something, and which of them are true.

    ``logits`` (n, n) among the pictures at ``places`` (n,) of a training set with ``labels`` and
    ``cameras`` (−1 where unknown). A picture with itself is no pair; neither are two pictures of
    one camera, unless that leaves no true pair.
    """
    label, camera = labels[places], cameras[places]
    true = label[:, None] == label[None, :]
    apart = places[:, None] != places[None, :]
    across = apart & ((camera[:, None] != camera[None, :]) | (camera[:, None] < 0))
    counted = across if (across & true).any() else apart
    return logits[counted], true[counted]


def fit_calibration(
    logits: npt.NDArray[np.floating], true: npt.NDArray[np.bool_], share: float = TRUE_SHARE
) -> Calibration | None:
    """The calibration under which scores fit pairs of which ``share`` are true.

    None where one kind of pair is missing, a logit is not finite, all logits are equal, or true
    pairs do not have the larger ones. Targets are smoothed as Platt proposes, so that pairs that
    do not overlap at all give finite numbers.
    """
    positive = int(true.sum())
    negative = len(true) - positive
    x = logits.astype(np.float64)
    if not positive or not negative or not np.isfinite(x).all() or x.std() == 0:
        return None
    weight = np.where(true, share / positive, (1 - share) / negative)
    target = np.where(true, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, offset = _logistic((x - x.mean()) / x.std(), target, weight)
    if slope <= 0:
        return None
    slope, offset = slope / x.std(), offset - slope * x.mean() / x.std()
    # Plain floats: a checkpoint with NumPy scalars in it could not be read again.
    return Calibration(float(LOGITS_A_SCORE * slope), float(LOGITS_A_SCORE * offset))


def _logistic(x: Float64, target: Float64, weight: Float64) -> tuple[float, float]:
    """Slope and offset of the weighted logistic regression of soft targets on x."""
    from sklearn.linear_model import LogisticRegression

    # A soft target is both answers, weighted.
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    model.fit(
        np.concatenate([x, x])[:, None],
        np.repeat([1, 0], len(x)),
        sample_weight=np.concatenate([weight * target, weight * (1 - target)]) * len(x),
    )
    return float(model.coef_[0, 0]), float(model.intercept_[0])
