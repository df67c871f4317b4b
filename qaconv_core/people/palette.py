"""Colours that people in the street wear and have: linear RGB in [0, 1].

White, black, grey, navy, denim and beige dominate, as they do in front of real cameras; bright
tops are the minority that they are there.
"""

from __future__ import annotations

import numpy as np

from qaconv_core.people.arrays import Floats, Rng

# sRGB, spread of hue, share among tops, share among bottoms, share among bags and shoes
_CLOTH: tuple[tuple[tuple[float, float, float], float, float, float, float], ...] = (
    ((0.90, 0.90, 0.90), 0.02, 15, 4, 14),  # white
    ((0.10, 0.10, 0.11), 0.01, 16, 23, 34),  # black
    ((0.24, 0.25, 0.27), 0.02, 8, 10, 10),  # charcoal
    ((0.55, 0.55, 0.56), 0.03, 9, 6, 8),  # grey
    ((0.13, 0.16, 0.27), 0.03, 9, 11, 8),  # navy
    ((0.26, 0.34, 0.46), 0.04, 3, 17, 2),  # denim
    ((0.45, 0.54, 0.64), 0.04, 4, 9, 2),  # light denim
    ((0.74, 0.67, 0.55), 0.04, 5, 7, 4),  # beige
    ((0.42, 0.34, 0.26), 0.04, 4, 5, 6),  # brown
    ((0.36, 0.37, 0.27), 0.04, 4, 4, 2),  # olive
    ((0.50, 0.14, 0.17), 0.05, 4, 1, 2),  # maroon
    ((0.76, 0.18, 0.20), 0.06, 4, 1, 2),  # red
    ((0.85, 0.60, 0.64), 0.06, 4, 0.7, 2),  # pink
    ((0.20, 0.36, 0.66), 0.06, 4, 1, 2),  # blue
    ((0.62, 0.74, 0.84), 0.05, 4, 0.5, 0.6),  # light blue
    ((0.24, 0.48, 0.36), 0.07, 2.4, 0.3, 0.6),  # green
    ((0.88, 0.78, 0.36), 0.07, 2, 0.4, 0.6),  # yellow
    ((0.46, 0.36, 0.58), 0.07, 2, 0.4, 0.6),  # purple
    ((0.84, 0.48, 0.24), 0.06, 1.4, 0.2, 0.6),  # orange
    ((0.30, 0.58, 0.60), 0.06, 1.4, 0.3, 0.4),  # teal
)
_SKIN = {
    "african": ((0.24, 0.16, 0.12), (0.50, 0.34, 0.25)),
    "asian": ((0.66, 0.49, 0.38), (0.86, 0.70, 0.58)),
    "caucasian": ((0.70, 0.52, 0.43), (0.90, 0.73, 0.64)),
}
_HAIR = (
    ((0.06, 0.055, 0.05), 40), ((0.11, 0.09, 0.075), 26), ((0.22, 0.15, 0.10), 13),
    ((0.36, 0.25, 0.16), 7), ((0.58, 0.46, 0.31), 5), ((0.38, 0.18, 0.11), 3),
)  # fmt: skip
_GREY_HAIR = (0.62, 0.61, 0.60)


def linear(colour: object) -> Floats:
    """sRGB in [0, 1] as linear light (a power of 2.2)."""
    return np.clip(np.asarray(colour, np.float32), 0.0, 1.0) ** np.float32(2.2)


def cloth(rng: Rng, use: str) -> Floats:
    """A colour (3,) for a ``"top"``, ``"bottom"`` or ``"thing"`` (bag, shoes, hat)."""
    column = {"top": 2, "bottom": 3, "thing": 4}[use]
    shares = np.array([row[column] for row in _CLOTH], np.float64)
    colour, spread, *_ = _CLOTH[rng.choice(len(_CLOTH), p=shares / shares.sum())]
    value = np.array(colour) * rng.normal(1.0, 0.10) + rng.normal(0, spread, 3)
    value = value.mean() + (value - value.mean()) * rng.uniform(0.5, 1.0)  # dyes fade
    return linear(np.clip(value, 0.06, 0.94))


def close_to(rng: Rng, colour: Floats, amount: float = 0.35) -> Floats:
    """A colour of low contrast to ``colour``: lighter, darker or a little greyer."""
    factor = np.exp(rng.normal(0, amount) + np.sign(rng.normal()) * amount)
    return np.clip(colour * factor + rng.normal(0, 0.008, 3), 0.01, 0.85).astype(np.float32)


def skin(rng: Rng, ancestry: tuple[float, float, float]) -> Floats:
    """Skin (3,) by shares of African, Asian, Caucasian ancestry."""
    tone = rng.random()
    total = np.zeros(3)
    for share, (dark, light) in zip(ancestry, _SKIN.values(), strict=True):
        total += share * (np.array(dark) * (1 - tone) + np.array(light) * tone)
    return linear(total + rng.normal(0, 0.012, 3))


def hair(rng: Rng, ancestry: tuple[float, float, float], age: float) -> Floats:
    """Hair (3,): mostly black outside Europe, grey with ``age`` (0 … 1)."""
    if rng.random() < 1.6 * (age - 0.35):
        return linear(np.array(_GREY_HAIR) * rng.uniform(0.6, 1.25))
    shares = np.array([share for _, share in _HAIR], np.float64)
    if rng.random() > ancestry[2]:
        shares[2:] *= 0.12
    colour, _ = _HAIR[rng.choice(len(_HAIR), p=shares / shares.sum())]
    return linear(np.array(colour) * rng.normal(1, 0.12))
