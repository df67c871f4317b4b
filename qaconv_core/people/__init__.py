"""Synthetic people: pictures of pedestrians as surveillance cameras see them, made by formula.

From MakeHuman's CC0 geometry (see ``docs/people.md``): bodies, clothes and things (``body``,
``garments``, ``headwear``, ``carried``, ``look``), poses (``pose``), cameras with their places and
light (``camera``, ``plates``, ``furniture``, ``light``), a rasteriser and shading, the traffic
that passes (``traffic``) and the files (``generate``).
"""

from __future__ import annotations

from qaconv_core.data.label_maps import LABELS
from qaconv_core.people.generate import Made, generate_people
from qaconv_core.people.traffic import Order

__all__ = ["LABELS", "Made", "Order", "generate_people"]
