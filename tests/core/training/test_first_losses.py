"""The first two losses of recipe v2.1 from given weights, beside plain tensors.

The published step is written out here: features block by block, the einsum, the head with its
norms over the batch, the hard triplet loss, clipping, and SGD with Nesterov momentum at the
published rates. Loss and gradient of one batch are compared with the published code's own numbers
in test_losses.py.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from qaconv_core.training import make_recipe
from qaconv_core.training.initial import new_network
from qaconv_core.training.trainer import Trainer
from tests.checkpoints import reference_features
from tests.core.training.tiny import SIZE, tiny_book

RATE, BASE_RATE, MOMENTUM, DECAY, CLIP, MARGIN = 0.005, 0.0005, 0.9, 5e-4, 8.0, 16.0
LEARNED = ("weight", "bias")


class Published:
    """Weights and momenta of a run, and one step after another."""

    def __init__(self, trainer: Trainer) -> None:
        self.network = _copies(trainer.network)
        self.head = _copies(trainer.criterion.matcher)
        self._momenta: dict[str, torch.Tensor] = {}

    def loss(self, pixels: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch (n, 3, H, W) uint8 with labels (n,)."""
        maps = reference_features(self.network, pixels.float() / 255, "layer2", "b")
        return _triplet(_head(self.head, maps), labels).mean()

    def step(self, pixels: torch.Tensor, labels: torch.Tensor) -> float:
        """The loss of a batch, after which the weights have learned from it."""
        loss = self.loss(pixels, labels)
        for name, state in (("network", self.network), ("head", self.head)):
            learned = {key: value for key, value in state.items() if value.requires_grad}
            grads = torch.autograd.grad(loss, list(learned.values()), retain_graph=True)
            norm = torch.stack([grad.norm() for grad in grads]).norm()
            scale = min(1.0, CLIP / (float(norm) + 1e-6))
            for (key, value), grad in zip(learned.items(), grads, strict=True):
                rate = BASE_RATE if key.startswith("base.") else RATE
                state[key] = self._moved(f"{name} {key}", value.detach(), grad * scale, rate)
        return float(loss.detach())

    def _moved(
        self, name: str, value: torch.Tensor, grad: torch.Tensor, rate: float
    ) -> torch.Tensor:
        grad = grad + DECAY * value
        before = self._momenta.get(name)
        momentum = grad if before is None else MOMENTUM * before + grad
        self._momenta[name] = momentum
        return (value - rate * (grad + MOMENTUM * momentum)).requires_grad_()


def _copies(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {
        key: value.detach().clone().requires_grad_(key.rpartition(".")[2] in LEARNED)
        for key, value in module.state_dict().items()
        if value.is_floating_point()
    }


def _head(state: dict[str, torch.Tensor], maps: torch.Tensor) -> torch.Tensor:
    """Logits (n, n) of a batch against itself, the norms as in training."""
    flat = maps.flatten(2)
    similar = torch.einsum("pcs,gcr->pgrs", flat, flat)
    both = torch.stack((similar.amax(dim=2), similar.amax(dim=3)), dim=2)
    z = functional.linear(_norm(state, "bn", both), state["fc.weight"], state["fc.bias"])
    return _norm(state, "logit_bn", z.sum(dim=(2, 3)))


def _norm(state: dict[str, torch.Tensor], name: str, values: torch.Tensor) -> torch.Tensor:
    var, mean = torch.var_mean(values, unbiased=False)
    return (values - mean) / torch.sqrt(var + 1e-5) * state[f"{name}.weight"] + state[
        f"{name}.bias"
    ]


def _triplet(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    losses = []
    for row, label in enumerate(labels.tolist()):
        true = [logits[row, i] for i in range(len(labels)) if labels[i] == label and i != row]
        false = [logits[row, i] for i in range(len(labels)) if labels[i] != label]
        losses.append((MARGIN - torch.stack(true).min() + torch.stack(false).max()).clamp(min=0))
    return torch.stack(losses)


def test_the_first_two_losses_of_v21_are_those_of_the_published_step(tmp_path, monkeypatch):
    torch.manual_seed(3)
    recipe = make_recipe("v2.1", arch="resnet18", layer="layer2", neck=16, batch_size=8,
                         input_size=SIZE, init="none", amp="off", epochs=1)  # fmt: skip
    network, _ = new_network(recipe)
    for key, value in network.state_dict().items():  # norms that have seen something
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    trainer = Trainer(recipe, network, tiny_book(tmp_path), seed=3, pretrained=True)
    published, untaught = Published(trainer), Published(trainer)
    expected, unlearned, found = [], [], []
    learn = trainer._learn

    def both(samples, part, means):
        before = means.loss
        if len(expected) < 2:
            unlearned.append(float(untaught.loss(samples.pixels, samples.labels).detach()))
            expected.append(published.step(samples.pixels, samples.labels))
        learn(samples, part, means)
        found.append((means.loss - before) / len(samples))

    monkeypatch.setattr(trainer, "_learn", both)
    trainer.run()
    assert len(expected) == 2
    assert found[:2] == pytest.approx(expected, rel=2e-6)
    assert abs(unlearned[1] - expected[1]) > 2e-4 * expected[1]  # or no step would be compared
