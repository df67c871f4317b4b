"""EfficientNet-Lite0, 1 and 2: EfficientNet (Tan & Le, ICML 2019) without squeeze-and-excitation,
with ReLU6 and with a stem of fixed width, as Google published it for small machines (2020).

Convolutions look equally far to all sides, as those of ResNet do; the published ones look one
pixel further to the right and down where they halve the picture, which moves a map, not its values.
"""

from __future__ import annotations

import math

from qaconv_core.models.inverted_residual import Blocks, Plan, numbered_blocks

_WIDTH_AND_DEPTH = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}
_STAGES = {
    "layer1": (Blocks(1, 3, 1, 1, 16), Blocks(2, 3, 2, 6, 24)),
    "layer2": (Blocks(2, 5, 2, 6, 40),),
    "layer3": (Blocks(3, 3, 2, 6, 80), Blocks(3, 5, 1, 6, 112)),
    "layer4": (Blocks(4, 5, 2, 6, 192), Blocks(1, 3, 1, 6, 320)),
}
"""Table 1 of EfficientNet, its seven rows as four stages."""


def _plan(width: float, depth: float) -> Plan:
    stages = {
        layer: tuple(
            Blocks(
                # The first and the last row keep their depth.
                row.count if row.count == 1 else math.ceil(row.count * depth),
                row.kernel, row.stride, row.widening, int(row.channels * width + 4) // 8 * 8,
            )
            for row in rows
        )
        for layer, rows in _STAGES.items()
    }  # fmt: skip
    return Plan(stages, eps=1e-3, mean=(127 / 255,) * 3, deviation=(128 / 255,) * 3)


PLANS = {name: _plan(*factors) for name, factors in _WIDTH_AND_DEPTH.items()}


def published_names(arch: str) -> dict[str, str]:
    """Prefixes of our tensors to those in the published PyTorch files."""
    names = {"conv1": "_conv_stem", "bn1": "_bn0"}
    for number, ours, _ in numbered_blocks(PLANS[arch]):
        for name, theirs in (
            ("expand", "_expand_conv"), ("expand_bn", "_bn0"),
            ("depthwise", "_depthwise_conv"), ("depthwise_bn", "_bn1"),
            ("project", "_project_conv"), ("project_bn", "_bn2"),
        ):  # fmt: skip
            names[f"{ours}.{name}"] = f"_blocks.{number}.{theirs}"
    return names
