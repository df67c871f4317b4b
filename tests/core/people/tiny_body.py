"""A home-made body in the formats of the assets: egg for a head, tubes for limbs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from qaconv_core.people import mesh
from qaconv_core.people.body import BONES

JOINTS = {
    "root": (0, 0.6, 0), "spine05": (0, 0.7, 0), "spine04": (0, 1.2, 0), "spine03": (0, 1.9, 0),
    "spine02": (0, 2.8, 0), "spine01": (0, 4.3, 0), "neck01": (0, 5.9, 0), "neck02": (0, 6.3, 0),
    "neck03": (0, 6.6, 0), "head": (0, 7.0, 0), "clavicle": (0.3, 5.2, 0),
    "shoulder01": (1.2, 5.5, 0), "upperarm01": (1.7, 5.2, 0), "upperarm02": (2.1, 4.7, 0),
    "lowerarm01": (3.1, 3.5, 0), "lowerarm02": (3.7, 3.0, 0.4), "wrist": (4.3, 2.4, 0.8),
    "upperleg01": (1.1, 0.5, 0), "upperleg02": (1.1, -0.3, 0), "lowerleg01": (1.5, -3.7, 0.1),
    "lowerleg02": (1.8, -5.6, 0), "foot": (2.0, -7.4, 0),
}  # fmt: skip
PARENTS = {
    "spine05": "root", "spine04": "spine05", "spine03": "spine04", "spine02": "spine03",
    "spine01": "spine02", "neck01": "spine01", "neck02": "neck01", "neck03": "neck02",
    "head": "neck03", "clavicle": "spine01", "shoulder01": "clavicle", "upperarm01": "shoulder01",
    "upperarm02": "upperarm01", "lowerarm01": "upperarm02", "lowerarm02": "lowerarm01",
    "wrist": "lowerarm02", "upperleg01": "root", "upperleg02": "upperleg01",
    "lowerleg01": "upperleg02", "lowerleg02": "lowerleg01", "foot": "lowerleg02",
}  # fmt: skip
EXTRA_BONE = "jaw"
"""A bone that poses do not know; it melts into the head."""


def joint_of(bone: str) -> np.ndarray:
    """Where a bone of the tiny body begins, (3,)."""
    name, _, side = bone.partition(".")
    if name.startswith("finger"):
        finger, joint = int(name[6]), int(name[8])
        place = np.array([4.4 + 0.08 * joint, 2.2 - 0.2 * joint, 1.0 + 0.15 * finger])
    else:
        place = np.array(JOINTS[name], float)
    return place * [-1 if side == "R" else 1, 1, 1]


def parent_of(bone: str) -> str | None:
    """The parent of a bone; None for the root."""
    name, _, side = bone.partition(".")
    if name.startswith("finger"):
        stem, joint = name.split("-")
        parent = "wrist" if joint == "1" else f"{stem}-{int(joint) - 1}"
    else:
        parent = PARENTS.get(name, "")
    sided = f"{parent}.{side}"
    return sided if sided in BONES else (parent or None)


def _solids() -> list[mesh.Solid]:
    """Head, trunk, arms with hands, legs with feet: closed, faces outwards."""

    def limb(points: list, radius: list) -> mesh.Solid:
        line = np.array(points, np.float32)
        steps = np.linspace(0, len(line) - 1, 14)
        dense = np.stack([np.interp(steps, range(len(line)), line[:, k]) for k in range(3)], 1)
        return mesh.tube(dense, np.interp(steps, range(len(line)), radius), 8)

    parts = [mesh.moved(mesh.rounded_box((0.8, 1.1, 1.0), 2, 12, 9), (0, 7.4, 0.1)),
             mesh.moved(mesh.rounded_box((1.7, 3.3, 1.0), 3, 16, 17), (0, 2.9, 0)),
             limb([(0, 5.6, 0), (0, 6.6, 0)], [0.55, 0.5])]  # fmt: skip
    for side in (1, -1):
        arm = [np.array(JOINTS[b]) * [side, 1, 1] for b in ("upperarm01", "lowerarm01", "wrist")]
        parts.append(limb([*arm, arm[-1] + [0.2 * side, -0.6, 0.4]], [0.5, 0.4, 0.3, 0.15]))
        leg = [np.array(JOINTS[b]) * [side, 1, 1] for b in ("upperleg01", "lowerleg01", "foot")]
        parts.append(limb([*leg, leg[-1] + [0, -0.7, 0.1]], [0.9, 0.6, 0.4, 0.4]))
        parts.append(
            mesh.moved(mesh.rounded_box((0.4, 0.3, 1.2), 3, 8, 5), (2.0 * side, -7.9, 0.5))
        )
    return parts


def _obj(groups: dict[str, mesh.Solid], joints: np.ndarray) -> str:
    lines, faces, start = ["# tiny body"], [], 1
    for name, (points, triangles) in groups.items():
        lines += [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in points]
        faces.append(f"g {name}")
        faces += ["f " + " ".join(f"{i + start}/1" for i in face) for face in triangles]
        start += len(points)
    lines += [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in joints]
    return "\n".join([*lines, "vt 0 0", *faces]) + "\n"


def write_tiny_assets(root: Path) -> Path:
    """Write base.obj, rig, weights, three targets, a shirt and a pair of shoes below ``root``."""
    skin = mesh.join(*_solids())
    normal, _ = mesh.normals(*skin)
    tights = (skin[0] + 0.02 * normal, skin[1])
    eye = mesh.rounded_box((0.12, 0.12, 0.12), 2, 6, 5)
    eyes = {
        f"helper-{side}-eye": mesh.moved(eye, (x, 7.4, 1)) for side, x in (("l", 0.3), ("r", -0.3))
    }
    joints = np.array([joint_of(bone) for bone in BONES])
    groups = {"body": skin, "helper-tights": tights, **eyes}
    points = np.concatenate([p for p, _ in groups.values()])
    root.mkdir(parents=True, exist_ok=True)
    (root / "base.obj").write_text(_obj(groups, joints), encoding="utf-8")
    _write_rig(root, points, len(points))
    _write_targets(root, points)
    _write_clothes(root / "clothes" / "male_casualsuit04", points, tights)
    return root


def _write_rig(root: Path, points: np.ndarray, first_joint: int) -> None:
    joints, bones = {}, {}
    for number, bone in enumerate(BONES):
        joints[f"{bone}_head"] = [first_joint + number]
        bones[bone] = {"head": f"{bone}_head", "tail": f"{bone}_head", "parent": parent_of(bone)}
    bones[EXTRA_BONE] = {"head": "head_head", "tail": "head_head", "parent": "head"}
    heads = np.array([joint_of(bone) for bone in BONES])
    nearest = ((points[:, None] - heads[None]) ** 2).sum(2).argmin(1)
    weights: dict[str, list] = {}
    for vertex, bone in enumerate(nearest):
        name = BONES[bone]
        if name == "head" and vertex % 2:
            name = EXTRA_BONE
        weights.setdefault(name, []).append([vertex, 1.0])
    (root / "rigs").mkdir()
    rig = json.dumps({"bones": bones, "joints": joints})
    (root / "rigs" / "default.mhskel").write_text(rig, encoding="utf-8")
    (root / "rigs" / "default_weights.mhw").write_text(json.dumps({"weights": weights}), "utf-8")


def _write_targets(root: Path, points: np.ndarray) -> None:
    folder = root / "targets" / "macrodetails"
    (folder / "height").mkdir(parents=True)
    for name, scale in (
        ("universal-male-young-averagemuscle-maxweight", 0.2),
        ("universal-female-young-averagemuscle-maxweight", 0.2),
        ("height/male-young-averagemuscle-averageweight-maxheight", 0.1),
    ):
        rows = [f"{i} {x * scale:.4f} 0 {z * scale:.4f}" for i, (x, _, z) in enumerate(points)]
        (folder / f"{name}.target").write_text("# tiny\n" + "\n".join(rows) + "\n", "utf-8")


def _write_clothes(folder: Path, points: np.ndarray, tights: mesh.Solid) -> None:
    """A suit of two pieces, shirt and trousers, each vertex bound to one vertex of the body."""
    folder.mkdir(parents=True)
    body, faces = tights
    normal, _ = mesh.normals(body, faces)
    pieces = []
    for keep in ((body[:, 1] > 0.8) & (body[:, 1] < 5.8), (body[:, 1] < 0.9) & (body[:, 1] > -7)):
        pieces.append(faces[keep[faces].all(1)])
    used, flat = np.unique(np.concatenate(pieces), return_inverse=True)
    lines = [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in body[used] + 0.1 * normal[used]]
    lines += ["f " + " ".join(str(i + 1) for i in face) for face in flat.reshape(-1, 3)]
    (folder / f"{folder.name}.obj").write_text("\n".join(lines) + "\n", "utf-8")
    rows = [f"{i} {i} {i} 0.5 0.25 0.25 {x:.4f} {y:.4f} {z:.4f}"
            for i, (x, y, z) in zip(used, 0.1 * normal[used], strict=True)]  # fmt: skip
    hidden = f"{used[0]} - {used[0] + 3} {used[-1]}"
    text = ["# tiny suit", "name suit", f"obj_file {folder.name}.obj", "x_scale 0 20 1.0",
            "verts 0", *rows, "", "delete_verts", hidden]  # fmt: skip
    (folder / f"{folder.name}.mhclo").write_text("\n".join(text) + "\n", "utf-8")
