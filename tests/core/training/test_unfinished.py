"""What a checkpoint says of an unfinished epoch is checked before it is used."""

from __future__ import annotations

import pytest
import torch

from qaconv_core.training.checkpoint import _unfinished

WHOLE = {
    "plan": torch.arange(6, dtype=torch.int32).reshape(3, 2),
    "done": 2, "samples": 4, "loss_sum": 1.5, "accuracy_sum": 0.5,
}  # fmt: skip


def test_an_unfinished_epoch_is_read():
    found = _unfinished(WHOLE)
    assert found.plan.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert (found.done, found.samples, found.loss_sum, found.accuracy_sum) == (2, 4, 1.5, 0.5)
    assert _unfinished({}) is None


@pytest.mark.parametrize(
    "damage",
    [{"plan": [[0]]}, {"plan": torch.zeros(3)}, {"plan": torch.full((2, 2), -1).int()},
     {"done": 4}, {"done": -1}, {"done": "2"}, {"done": float("nan")}, {"samples": True},
     {"loss_sum": "x"}, {"accuracy_sum": None}],
)  # fmt: skip
def test_a_damaged_one_is_refused(damage):
    with pytest.raises(ValueError, match="unfinished epoch"):
        _unfinished({**WHOLE, **damage})
