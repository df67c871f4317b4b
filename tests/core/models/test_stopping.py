"""A pass through a network stops between two layers, forward and backward."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from qaconv_core.errors import Cancelled
from qaconv_core.models.stopping import stopping_within
from tests.looks import StopAtLook

LAYERS = 6


@pytest.fixture
def network():
    torch.manual_seed(0)
    pairs = ((nn.Linear(4, 4), nn.ReLU(inplace=True)) for _ in range(LAYERS // 2))
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


def passes(network: nn.Module, token: StopAtLook | None) -> list[torch.Tensor]:
    network.zero_grad()
    with stopping_within(network, token):
        network(torch.ones(2, 4)).sum().backward()
    return [p.grad.clone() for p in network.parameters()]


def test_every_layer_looks_in_both_directions_and_numbers_stay(network):
    token = StopAtLook()
    for plain, watched in zip(passes(network, None), passes(network, token), strict=True):
        assert torch.equal(plain, watched)
    assert token.looks == 2 * LAYERS


@pytest.mark.parametrize("at", [1, LAYERS, LAYERS + 1, 2 * LAYERS])
def test_nothing_is_computed_after_the_look(network, at):
    token, done = StopAtLook(at), []
    for layer in network:
        layer.register_forward_pre_hook(lambda *_: done.append("forward"))
    with pytest.raises(Cancelled):
        passes(network, token)
    assert token.looks == at
    assert len(done) == min(at, LAYERS)


def test_nobody_looks_afterwards(network):
    token = StopAtLook()
    passes(network, token)
    looks = token.looks
    network(torch.ones(2, 4)).sum().backward()
    assert token.looks == looks
