"""The naked body: where the assets are, and a shape by gender, age, build, height and ancestry.

A body is the base mesh plus a weighted sum of morphs ("targets"); the file names say which corner
of gender × age × muscle × weight × height each belongs to, and the weights multiply.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from qaconv_core.errors import InputError
from qaconv_core.people.arrays import Floats, Ints
from qaconv_core.people.formats import (
    Clothes,
    ObjMesh,
    Target,
    read_clothes,
    read_obj,
    read_target,
)
from qaconv_core.people.mesh import simplify
from qaconv_core.people.rig import Skeleton, read_skeleton
from qaconv_core.progress import CancelToken, raise_if_cancelled

ENVIRONMENT = "QACONV_PEOPLE_ASSETS"
ANCESTRIES = ("african", "asian", "caucasian")
SIDES = ("L", "R")

_LIMB_BONES = ("upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist", "upperleg01",
               "upperleg02", "lowerleg01", "lowerleg02", "foot", "clavicle",
               "shoulder01")  # fmt: skip
_FINGERS = tuple(f"finger{f}-{j}" for f in range(1, 6) for j in range(1, 4))
BONES = (
    "root", "spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "neck02", "neck03",
    "head", *(f"{bone}.{side}" for bone in (*_LIMB_BONES, *_FINGERS) for side in SIDES),
)  # fmt: skip
"""The bones that poses use; all others melt into their parents."""

TORSO, NECK, HEAD, ARM, HAND, LEG, FOOT = range(7)
_REGION_OF = (("head", HEAD), ("neck", NECK), ("upperarm", ARM), ("lowerarm", ARM), ("wrist", HAND),
              ("finger", HAND), ("upperleg", LEG), ("lowerleg", LEG), ("foot", FOOT))  # fmt: skip
_COARSE = {TORSO: 0.5, NECK: 0.32, HEAD: 0.21, ARM: 0.36, HAND: 0.24, LEG: 0.45, FOOT: 0.4}


@dataclass(frozen=True)
class Build:
    """A person's body; all in [0, 1] but for ``ancestry`` (shares of :data:`ANCESTRIES`).

    ``gender`` 0 female … 1 male; ``age`` 0 is about 25, 1 about 90; ``childhood`` 1 is about 11
    years old (age then counts for nothing); 0.5 is average muscle, weight, height.
    """

    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    ancestry: tuple[float, float, float]
    childhood: float = 0.0


def macro_weights(build: Build) -> dict[str, float]:
    """Weight of every target file (path below ``macrodetails``, no suffix) in a ``build``."""
    genders = _mix(female=1 - build.gender, male=build.gender)
    if build.childhood > 0:
        ages = _mix(young=1 - build.childhood, child=build.childhood)
    else:
        ages = _mix(young=1 - build.age, old=build.age)
    muscles, weights = _three(build.muscle, "muscle"), _three(build.weight, "weight")
    heights = _mix(minheight=1 - 2 * build.height, maxheight=2 * build.height - 1)
    races = _mix(**dict(zip(ANCESTRIES, build.ancestry, strict=True)))
    out: dict[str, float] = {}
    for gender, a in genders.items():
        for age, b in ages.items():
            out |= {f"{race}-{gender}-{age}": a * b * c for race, c in races.items()}
            for muscle, c in muscles.items():
                for weight, d in weights.items():
                    corner = f"{gender}-{age}-{muscle}-{weight}"
                    out[f"universal-{corner}"] = a * b * c * d
                    for height, e in heights.items():
                        out[f"height/{corner}-{height}"] = a * b * c * d * e
    return out


def _mix(**shares: float) -> dict[str, float]:
    return {name: share for name, share in shares.items() if share > 1e-6}


def _three(value: float, name: str) -> dict[str, float]:
    """Linear weights of the minimum, average and maximum of a quantity at ``value``."""
    corners = {"min": 1 - 2 * value, "average": 1 - abs(2 * value - 1), "max": 2 * value - 1}
    return _mix(**{f"{corner}{name}": share for corner, share in corners.items()})


@dataclass
class Assets:
    """The unpacked assets, read when first needed and then kept.

    Raises :class:`~qaconv_core.errors.Cancelled` before a file is read when ``cancel`` is set.
    """

    root: Path
    cancel: CancelToken | None = None
    _targets: dict[str, Target | None] = field(default_factory=dict, repr=False)
    _clothes: dict[str, Clothes] = field(default_factory=dict, repr=False)
    _coarse: dict[tuple[str, float], tuple[Ints, Ints, Ints]] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def base(self) -> ObjMesh:
        """The base mesh: skin (group ``body``) and construction geometry (``helper-…``)."""
        return read_obj(self.root / "base.obj")

    @cached_property
    def skeleton(self) -> Skeleton:
        """The rig, reduced to :data:`BONES`, with the base mesh's skinning weights."""
        rigs = self.root / "rigs"
        return read_skeleton(
            rigs / "default.mhskel", rigs / "default_weights.mhw", len(self.base.points), BONES
        )

    @cached_property
    def regions(self) -> Ints:
        """Part of the body (TORSO … FOOT) of every base vertex."""
        return regions_of(self.skeleton, self.skeleton.weights)

    @cached_property
    def skin_faces(self) -> Ints:
        """A coarse skin over base vertices, fine where it shows detail."""
        sizes = np.array([_COARSE[k] for k in range(7)], np.float32)[self.regions]
        faces = self.base.faces_of("body")
        if not len(faces):
            raise InputError(f"{self.root / 'base.obj'}: has no group 'body'")
        kept, coarse = simplify(self.base.points, faces, sizes)
        return kept[coarse]

    def body(self, build: Build) -> Floats:
        """All vertices of the base mesh, helpers included, in a ``build``: (n, 3), dm."""
        points = self.base.points.copy()
        for name, weight in macro_weights(build).items():
            target = self._target(name)
            if target is not None:
                points[target.index] += weight * target.offset
        return points

    def clothes(self, name: str) -> Clothes:
        """A garment, shoe or hair style by the name of its .mhclo file."""
        if name not in self._clothes:
            raise_if_cancelled(self.cancel)
            found = sorted(self.root.glob(f"*/*/{name}.mhclo"))
            if not found:
                raise InputError(f"{self.root}: has no {name}.mhclo")
            self._clothes[name] = read_clothes(found[0], len(self.base.points))
        return self._clothes[name]

    def coarse(self, name: str, cell: float) -> tuple[Ints, Ints, Ints]:
        """A garment made coarser with cubes of side ``cell`` dm: kept vertices (k,), faces over
        them, and the connected component of each kept vertex."""
        if (name, cell) not in self._coarse:
            shape = self.clothes(name).mesh
            kept, faces = simplify(shape.points, shape.faces, cell)
            self._coarse[name, cell] = kept, faces, components(shape)[kept]
        return self._coarse[name, cell]

    def has(self, name: str) -> bool:
        """Whether there is a garment of that name."""
        return name in self.names

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all .mhclo files."""
        return frozenset(path.stem for path in self.root.glob("*/*/*.mhclo"))

    def _target(self, name: str) -> Target | None:
        if name not in self._targets:
            raise_if_cancelled(self.cancel)
            path = self.root / "targets" / "macrodetails" / f"{name}.target"
            exists = path.is_file()
            self._targets[name] = read_target(path, len(self.base.points)) if exists else None
        return self._targets[name]


def regions_of(skeleton: Skeleton, weights: Floats) -> Ints:
    """Part of the body (TORSO … FOOT) of vertices with skinning ``weights`` (n, b)."""
    table = np.full(len(skeleton.names), TORSO)
    for number, bone in enumerate(skeleton.names):
        for prefix, region in _REGION_OF:
            if bone.startswith(prefix):
                table[number] = region
    return table[weights.argmax(1)]


def components(shape: ObjMesh) -> Ints:
    """Number of the connected piece that every vertex of a mesh belongs to."""
    faces, count = shape.faces, len(shape.points)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    link = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    return connected_components(link, directed=False)[1].astype(np.int64)


def open_assets(folder: str | os.PathLike[str] | None, cancel: CancelToken | None = None) -> Assets:
    """The assets in ``folder``, or where the environment variable :data:`ENVIRONMENT` says.

    Raises :class:`InputError` that says what they are and where they come from.
    """
    chosen = folder or os.environ.get(ENVIRONMENT)
    where = (
        "unpack assets.tar.xz (CC0 geometry of MakeHuman, see docs/people.md) and name its folder "
        f"with --assets or the environment variable {ENVIRONMENT}"
    )
    if not chosen:
        raise InputError(f"people are made from assets that are not part of the program: {where}")
    root = Path(chosen)
    for needed in ("base.obj", "rigs/default.mhskel", "rigs/default_weights.mhw"):
        if not (root / needed).is_file():
            raise InputError(f"{root}: has no {needed}; {where}")
    return Assets(root, cancel)
