"""The network, the QAConv head and the checkpoints that hold them."""

from __future__ import annotations

from qaconv_core.models.backbone import FeatureNetwork
from qaconv_core.models.checkpoints import Checkpoint, load_checkpoint
from qaconv_core.models.qaconv import AffineHead, QAConv

__all__ = ["AffineHead", "Checkpoint", "FeatureNetwork", "QAConv", "load_checkpoint"]
