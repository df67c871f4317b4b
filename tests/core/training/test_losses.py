"""Losses and gradients equal the published numbers; the lean maxima equal the plain ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from qaconv_core.errors import InputError
from qaconv_core.models import QAConv
from qaconv_core.models.qaconv import two_way_maxima
from qaconv_core.training import make_recipe, maxima
from qaconv_core.training.losses import (
    Batch,
    ClassMemoryLoss,
    HardTripletLoss,
    PairwiseMatchingLoss,
    finite_mean,
    new_matcher,
)
from qaconv_core.training.maxima import TrainingQAConv, lean_maxima
from qaconv_core.training.scratch import ScratchLoss, _next_of_person

DATA = Path(__file__).parents[2] / "data"


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    maps = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(maps)


def published(size: str):
    numbers = np.load(DATA / f"open_{size}_scoring.npz", allow_pickle=False)
    state = {
        name.removeprefix("v2."): torch.from_numpy(numbers[name])
        for name in numbers.files
        if name.startswith("v2.") and name != "v2.logit"
    }
    features = torch.from_numpy(numbers["loss.features"]).requires_grad_()
    matcher = TrainingQAConv(tuple(features.shape[2:]), "shared")
    matcher.load_state_dict(state)
    # The published numbers were made with the head's norms in evaluation.
    return numbers, matcher.eval(), features, torch.from_numpy(numbers["loss.labels"])


@pytest.mark.parametrize("size", ["small", "full"])
@pytest.mark.parametrize(("name", "make"), [("pairwise", PairwiseMatchingLoss),
                                            ("triplet16", HardTripletLoss)])  # fmt: skip
def test_losses_and_gradients_meet_the_published_ones(size, name, make):
    numbers, matcher, features, labels = published(size)
    loss, accuracy = make(matcher)(Batch(features, labels))
    np.testing.assert_allclose(loss.detach(), numbers[f"loss.{name}"], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(accuracy, numbers[f"loss.{name}.acc"])
    loss.mean().backward()
    expected = numbers[f"loss.{name}.feature_grad"]
    np.testing.assert_allclose(features.grad, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("tile", [1, 500, 1 << 20])
@pytest.mark.parametrize("same", [True, False])
def test_lean_maxima_equal_the_plain_ones(monkeypatch, tile, same):
    monkeypatch.setattr(maxima, "CPU_TILE", tile * 4)
    first = unit(5, 6, 3, 2, seed=1).requires_grad_()
    second = first if same else unit(7, 6, 3, 2, seed=2).requires_grad_()
    weights = [torch.randn(5, len(second), 6, generator=torch.Generator().manual_seed(i))
               for i in (3, 4)]  # fmt: skip
    gradients = []
    for function in (two_way_maxima, lean_maxima):
        found = function(first, second)
        total = sum((part * weight).sum() for part, weight in zip(found, weights, strict=True))
        gradients.append((found, torch.autograd.grad(total, {first, second})))
    for plain, lean in zip(gradients[0][0], gradients[1][0], strict=True):
        torch.testing.assert_close(lean, plain)
    for plain, lean in zip(gradients[0][1], gradients[1][1], strict=True):
        torch.testing.assert_close(lean, plain)


@pytest.mark.parametrize("head", ["shared", "two-sided"])
@pytest.mark.parametrize("training", [True, False])
def test_training_head_equals_the_engines_head(head, training):
    torch.manual_seed(5)
    plain = QAConv((3, 2), head).train(training)
    lean = TrainingQAConv((3, 2), head).train(training)
    lean.load_state_dict(plain.state_dict())
    query, gallery = unit(4, 8, 3, 2, seed=6), unit(3, 8, 3, 2, seed=7)
    torch.testing.assert_close(lean(query, gallery), plain(query, gallery))
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(lean.state_dict()[name], value, msg=name)


def test_class_memory_loss_equals_its_definition():
    torch.manual_seed(0)
    matcher = new_matcher((2, 2), "two-sided", scale=3.0).eval()
    criterion = ClassMemoryLoss(matcher, classes=4, channels=5, mem_batch_size=3)
    first, second = unit(2, 5, 2, 2, seed=1), unit(3, 5, 2, 2, seed=2)
    batch = Batch(first, torch.tensor([2, 0]))
    loss, _ = criterion(batch)
    criterion.remember(batch)
    assert torch.equal(loss, torch.zeros(2)), "classes never seen count for nothing"
    assert torch.equal(criterion.class_memory[2], first[0])
    memory = criterion.class_memory.clone()
    batch = Batch(second, torch.tensor([0, 2, 3]))
    loss, accuracy = criterion(batch)
    assert torch.equal(criterion.class_memory, memory), "a batch that is given up leaves nothing"
    criterion.remember(batch)
    with torch.no_grad():
        logits = matcher(second, memory).numpy().astype(np.float64)
    p = 1 / (1 + np.exp(-logits))
    expected = np.zeros(3)
    for row, label in enumerate((0, 2, 3)):
        for c in (0, 2):
            true = c == label
            weight = (1 - p[row, c]) ** 2 if true else p[row, c] ** 2
            expected[row] -= weight * np.log(p[row, c] if true else 1 - p[row, c])
    np.testing.assert_allclose(loss.detach(), expected, rtol=1e-5)
    np.testing.assert_array_equal(accuracy, logits.argmax(axis=1) == [0, 2, 3])
    assert torch.equal(criterion.valid_class, torch.tensor([1.0, 0, 1, 1]))


def test_v10_counts_classes_without_a_picture_yet():
    matcher = new_matcher((2, 2), "two-sided", scale=3.0).eval()
    first, label = unit(1, 5, 2, 2, seed=1), torch.tensor([2])
    criterion = ClassMemoryLoss(matcher, classes=4, channels=5, seen_only=False)
    with torch.no_grad():
        logits = matcher(first, torch.zeros(4, 5, 2, 2)).numpy().astype(np.float64)[0]
    p = 1 / (1 + np.exp(-logits))
    expected = [-((1 - q) ** 2) * np.log(q) if c == 2 else -(q**2) * np.log(1 - q)
                for c, q in enumerate(p)]  # fmt: skip
    assert float(criterion(Batch(first, label))[0].detach()) == pytest.approx(sum(expected))


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_memory_in_pieces_equals_memory_at_once(mode):
    matcher = getattr(new_matcher((2, 2), "two-sided"), mode)()
    found = []
    for size in (1, 2, 100):
        criterion = ClassMemoryLoss(matcher, 5, 4, size)
        criterion.class_memory.copy_(unit(5, 4, 2, 2, seed=3))
        criterion.valid_class.fill_(1)
        found.append(criterion(Batch(unit(3, 4, 2, 2, seed=4), torch.tensor([0, 3, 4])))[0])
    torch.testing.assert_close(found[0], found[2])
    torch.testing.assert_close(found[1], found[2])


def test_non_finite_samples_are_left_out():
    loss = torch.tensor([1.0, float("nan"), 3.0, float("inf")], requires_grad=True)
    mean, accuracy, count = finite_mean(loss, torch.tensor([1.0, 1.0, 0.0, 1.0]))
    assert (float(mean.detach()), accuracy, count) == (2.0, 0.5, 2)
    mean.backward()
    assert loss.grad.tolist() == [0.5, 0, 0.5, 0]
    assert finite_mean(torch.tensor([float("nan")]), torch.ones(1)) == (None, 0.0, 0)


def test_a_batch_without_true_or_false_pairs_gives_finite_gradients():
    matcher = new_matcher((2, 2), "shared").train()
    maps = unit(3, 4, 2, 2).requires_grad_()
    for labels in ([0, 0, 0], [0, 1, 2]):
        for make in (HardTripletLoss, PairwiseMatchingLoss):
            maps.grad = None
            make(matcher)(Batch(maps, torch.tensor(labels)))[0].sum().backward()
            assert torch.isfinite(maps.grad).all()


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="do not fit 2 labels"):
        HardTripletLoss(new_matcher((2, 2), "shared"))(
            Batch(unit(3, 4, 2, 2), torch.tensor([0, 1]))
        )


def test_contrast_equals_its_definition():
    recipe = make_recipe("scratch", input_size=(64, 32), contrast_temperature=3.0)
    criterion = ScratchLoss(new_matcher((2, 2), "shared"), recipe, 3, (8, 4))
    logits = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 0, 1, 1])
    found = criterion._contrast(logits, labels)
    for i in range(5):
        others = [j for j in range(5) if j != i]
        total = sum(np.exp(float(logits[i, j]) / 3) for j in others)
        true = [-np.log(np.exp(float(logits[i, j]) / 3) / total)
                for j in others if labels[j] == labels[i]]  # fmt: skip
        assert float(found[i]) == pytest.approx(np.mean(true), rel=1e-5)


def test_stripes_are_classified_one_by_one():
    recipe = make_recipe("scratch", stripes=2, smoothing=0.0)
    criterion = ScratchLoss(new_matcher((4, 2), "shared"), recipe, 3, (8, 5)).eval()
    torch.nn.init.normal_(criterion.stripe_identity.weight)
    maps, labels = unit(6, 5, 4, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    found = criterion._stripes(Batch(maps, labels))
    weight = criterion.stripe_identity.weight.view(2, 3, 5)
    expected = torch.zeros(6)
    for k in range(2):
        pooled = maps[:, :, 2 * k : 2 * k + 2].mean(dim=(2, 3))
        pooled = pooled / np.sqrt(1 + criterion.stripe_norm.eps)
        scores = pooled @ weight[k].T
        expected += torch.nn.functional.cross_entropy(scores, labels, reduction="none") / 2
    torch.testing.assert_close(found, expected)


def test_partners_are_the_next_of_the_person():
    labels = torch.tensor([0, 1, 0, 2, 1, 0])
    assert _next_of_person(labels).tolist() == [2, 4, 5, 3, 1, 0]
