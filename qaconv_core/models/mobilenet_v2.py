"""MobileNetV2 (Sandler et al., CVPR 2018) at width 1, for torchvision's published weights."""

from __future__ import annotations

from qaconv_core.models.inverted_residual import Blocks, Plan, numbered_blocks

PLANS = {
    "mobilenet_v2": Plan(
        {
            "layer1": (Blocks(1, 3, 1, 1, 16), Blocks(2, 3, 2, 6, 24)),
            "layer2": (Blocks(3, 3, 2, 6, 32),),
            "layer3": (Blocks(4, 3, 2, 6, 64), Blocks(3, 3, 1, 6, 96)),
            "layer4": (Blocks(3, 3, 2, 6, 160), Blocks(1, 3, 1, 6, 320)),
        },
        eps=1e-5,
        mean=(0.485, 0.456, 0.406),
        deviation=(0.229, 0.224, 0.225),
    )
}
"""Table 2 of the paper, its seven rows as four stages."""


def published_names(arch: str) -> dict[str, str]:
    """Prefixes of our tensors to those in torchvision's files."""
    names = {"conv1": "features.0.0", "bn1": "features.0.1"}
    for number, ours, widens in numbered_blocks(PLANS[arch]):
        block = f"features.{number + 1}.conv"
        theirs = (f"{block}.{int(widens)}.0", f"{block}.{int(widens)}.1",
                  f"{block}.{1 + widens}", f"{block}.{2 + widens}")  # fmt: skip
        own = ("depthwise", "depthwise_bn", "project", "project_bn")
        names |= {f"{ours}.{name}": value for name, value in zip(own, theirs, strict=True)}
        if widens:
            names |= {f"{ours}.expand": f"{block}.0.0", f"{ours}.expand_bn": f"{block}.0.1"}
    return names
