"""How people hold themselves: a walking cycle, standing, carrying, looking at a phone, cycling.

Joint angles of the gait follow the usual textbook curves (hip, knee, ankle over the stride, as in
Perry & Burnfield, *Gait Analysis*), scaled by the pace. Arms and legs are aimed: a bone gets the
smallest rotation that takes its direction at rest to the wanted one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qaconv_core.people.arrays import Floats, Rng
from qaconv_core.people.body import SIDES
from qaconv_core.people.carried import SEAT
from qaconv_core.people.figure import Figure
from qaconv_core.people.look import Look
from qaconv_core.people.rig import Rotations, bone_transforms, turn_x, turn_y, turn_z

_STRIDE = np.array([0, 12, 30, 50, 60, 73, 87, 100]) / 100
_HIP = np.array([25, 22, 5, -11, -5, 18, 28, 25])
_KNEE = np.array([4, 16, 9, 9, 34, 60, 26, 4])
_ANKLE = np.array([0, -4, 6, 9, -15, -4, 1, 0])


@dataclass(frozen=True)
class Stance:
    """One moment of a person.

    ``kind`` is ``walk``, ``stand`` or ``ride``; ``phase`` in [0, 1) of the stride or of the
    pedals; ``stride`` scales the joint angles; ``arms`` are the states of the
    left and right arm: ``swing``, ``carry``, ``phone``, ``call``, ``strap``, ``pocket``, ``hold``,
    ``umbrella`` or ``pull``; angles in radians.
    """

    kind: str
    phase: float
    stride: float
    arms: tuple[str, str]
    lean: float = 0.03
    head_yaw: float = 0.0
    head_pitch: float = 0.05
    sway: float = 0.0
    curl: float = 0.5


def draw_arms(look: Look, rng: Rng) -> tuple[str, str]:
    """What a person's arms do during one pass of a camera."""
    arms = ["swing", "swing"]
    free = [0, 1]
    side = 0 if look.bag.side > 0 else 1
    if look.bag.kind == "hand" or look.hand.kind == "sack":
        arms[side] = "carry"
        free.remove(side)
    busy = {"umbrella": "umbrella", "cup": "hold", "books": "hold", "trolley": "pull"}
    if look.hand.kind in busy:
        other = 1 - side
        arms[other] = busy[look.hand.kind]
        free = [arm for arm in free if arm != other]
    if look.bag.kind in ("backpack", "shoulder") and free and rng.random() < 0.2:
        arms[free.pop()] = "strap"
    if free and rng.random() < 0.16:
        arms[int(rng.choice(free))] = str(rng.choice(["phone", "call"], p=[0.75, 0.25]))
    elif free and rng.random() < 0.13:
        for arm in free:
            arms[arm] = "pocket"
    return arms[0], arms[1]


def draw_stance(look: Look, arms: tuple[str, str], standing: bool, rng: Rng) -> Stance:
    """A moment of a pass: the phase and small differences are new, the arms' task is not."""
    kind = "ride" if look.vehicle.kind else "stand" if standing else "walk"
    down = 0.35 if "phone" in arms else 0.06
    return Stance(
        kind=kind,
        phase=float(rng.random()),
        stride=float(np.clip(rng.normal(0.82, 0.12) * look.pace / 1.25, 0.4, 1.15)),
        arms=arms,
        lean=float(rng.normal(0.04, 0.04)) + (0.1 if look.bag.kind == "backpack" else 0) * 0.5,
        head_yaw=float(np.clip(rng.normal(0, 0.3), -1, 1)),
        head_pitch=float(rng.normal(down, 0.1)),
        sway=float(rng.normal(0, 0.02)),
        curl=float(rng.uniform(0.35, 0.8)),
    )


def aim(rest: Floats, wanted: Floats) -> Floats:
    """The smallest rotation (3, 3) that turns direction ``rest`` into ``wanted``."""
    a, b = rest / max(_length(rest), 1e-9), wanted / max(_length(wanted), 1e-9)
    axis, cosine = np.cross(a, b), float(a @ b)
    if cosine < -0.9999:
        return np.diag([1.0, -1.0, -1.0]).astype(np.float32)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return (np.eye(3) + k + k @ k / (1 + cosine)).astype(np.float32)


def about(axis: Floats, angle: float) -> Floats:
    """Rotation (3, 3) about a unit ``axis`` by ``angle`` (Rodrigues)."""
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return (np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k).astype(np.float32)


def two_links(
    start: Floats, goal: Floats, first: float, second: float, pole: Floats
) -> tuple[Floats, Floats]:
    """Directions of two links of given lengths from ``start`` to ``goal``, the joint between them
    bent towards ``pole``; a goal out of reach is pointed at."""
    line = goal - start
    distance = float(np.clip(_length(line), abs(first - second) + 1e-3,
                             (first + second) * 0.999))  # fmt: skip
    line = line / max(_length(line), 1e-9)
    side = pole - (pole @ line) * line
    side = side / max(_length(side), 1e-9)
    along = (first**2 - second**2 + distance**2) / (2 * distance)
    out = np.sqrt(max(first**2 - along**2, 0.0))
    middle = along * line + out * side
    return middle, distance * line - middle


def _length(vector: Floats) -> float:
    return float(np.sqrt((vector * vector).sum()))


def pose(figure: Figure, stance: Stance) -> Rotations:
    """World rotations of the bones in a stance."""
    turns = _trunk(stance)
    if stance.kind == "ride":
        _pedal(figure, stance, turns)
        _grip(figure, turns)
    else:
        _legs(figure, stance, turns)
        for number, side in enumerate(SIDES):
            _arm(figure, stance, turns, side, stance.arms[number])
    for side in SIDES:
        _fingers(figure, turns, side, stance.curl)
    return turns


def _trunk(stance: Stance) -> Rotations:
    lean = stance.lean + (0.34 if stance.kind == "ride" else 0.0)
    swing = 0.09 * stance.stride * np.cos(2 * np.pi * stance.phase)
    if stance.kind != "walk":
        swing = 0.0
    pelvis = turn_z(stance.sway) @ turn_y(-0.6 * swing)
    chest = turn_y(swing) @ turn_x(lean) @ turn_z(-stance.sway)
    head = turn_y(0.4 * stance.head_yaw)
    return {
        "root": np.eye(3, dtype=np.float32),
        "spine05": pelvis @ turn_x(lean * 0.3),
        "spine04": pelvis @ turn_x(lean * 0.6),
        "spine03": chest,
        "neck01": turn_x(lean * 0.8) @ turn_y(0.3 * stance.head_yaw),
        "neck02": head @ turn_x(0.5 * stance.head_pitch),
        "head": turn_y(stance.head_yaw) @ turn_x(stance.head_pitch),
    }


def _bone(figure: Figure, first: str, second: str, side: str) -> Floats:
    return figure.head_of(f"{second}.{side}") - figure.head_of(f"{first}.{side}")


def _set_leg(figure: Figure, turns: Rotations, side: str, thigh: Floats, shank: Floats) -> None:
    upper = aim(_bone(figure, "upperleg01", "lowerleg01", side), thigh)
    lower = aim(_bone(figure, "lowerleg01", "foot", side), shank)
    turns[f"upperleg01.{side}"] = turns[f"upperleg02.{side}"] = upper
    turns[f"lowerleg01.{side}"] = turns[f"lowerleg02.{side}"] = lower


def _legs(figure: Figure, stance: Stance, turns: Rotations) -> None:
    for number, (side, sign) in enumerate(zip(SIDES, (1, -1), strict=True)):
        if stance.kind == "stand":
            bent = 0.12 if (stance.phase > 0.5) == bool(number) else 0.02
            hip, knee, ankle = bent, 2 * bent, bent
            out = 0.02 + 0.04 * stance.stride
        else:
            at = (stance.phase + 0.5 * number) % 1.0
            hip, knee, ankle = (
                np.radians(np.interp(at, _STRIDE, c)) * stance.stride for c in (_HIP, _KNEE, _ANKLE)
            )
            out = -0.03
        shank = hip - knee
        thigh_dir = np.array([sign * out, -np.cos(hip), np.sin(hip)], np.float32)
        shank_dir = np.array([sign * out, -np.cos(shank), np.sin(shank)], np.float32)
        _set_leg(figure, turns, side, thigh_dir, shank_dir)
        turns[f"foot.{side}"] = turn_y(sign * 0.12) @ turn_x(-(shank + ankle))


def _down(angle: float, out: float, sign: int) -> Floats:
    """Direction of an arm that hangs ``angle`` forward and ``out`` to its side."""
    return np.array([sign * np.sin(out), -np.cos(angle) * np.cos(out), np.sin(angle)], np.float32)


def _arm_directions(stance: Stance, side: int, state: str) -> tuple[Floats, Floats]:
    """Directions of the upper arm and forearm in the chest's frame."""
    sign = 1 if side == 0 else -1
    at = stance.phase + (0.0 if side else 0.5)
    # The arm swings with the leg of the other side: forward when that leg strikes.
    swing = np.cos(2 * np.pi * at) * 0.36 * stance.stride if stance.kind == "walk" else 0.02
    if state == "swing":
        bend = 0.22 + 0.35 * max(0.0, swing) + 0.12
        return _down(swing, 0.16, sign), _down(swing + bend, 0.06, sign)
    if state == "carry":
        return _down(0.3 * swing, 0.18, sign), _down(0.3 * swing + 0.08, 0.12, sign)
    if state == "phone":
        return _down(0.25, 0.15, sign), np.array([-0.42 * sign, 0.35, 0.85], np.float32)
    if state == "call":
        return _down(0.35, 0.5, sign), np.array([-0.45 * sign, 0.9, 0.1], np.float32)
    if state == "strap":
        return _down(0.15, 0.3, sign), np.array([-0.35 * sign, 0.85, 0.5], np.float32)
    if state == "pocket":
        return _down(-0.3, 0.32, sign), np.array([-0.25 * sign, -0.85, 0.5], np.float32)
    if state == "hold":
        return _down(-0.05, 0.14, sign), np.array([-0.5 * sign, 0.12, 0.86], np.float32)
    if state == "umbrella":
        return _down(0.3, 0.12, sign), np.array([-0.25 * sign, 0.75, 0.6], np.float32)
    return _down(-0.4, 0.2, sign), _down(-0.45, 0.16, sign)  # pull


def _arm(figure: Figure, stance: Stance, turns: Rotations, side: str, state: str) -> None:
    number = SIDES.index(side)
    chest = turns["spine03"]
    upper, fore = _arm_directions(stance, number, state)
    _set_arm(figure, turns, side, chest @ upper, chest @ fore)


def _set_arm(figure: Figure, turns: Rotations, side: str, upper: Floats, fore: Floats) -> None:
    chest = turns["spine03"]
    rest = _bone(figure, "upperarm01", "lowerarm01", side)
    rest_fore = _bone(figure, "lowerarm01", "wrist", side)
    inner = chest.T @ upper
    unit = rest / _length(rest)
    for bone, share in (("clavicle", 0.06), ("shoulder01", 0.25), ("upperarm01", 0.8)):
        turns[f"{bone}.{side}"] = chest @ aim(rest, unit * (1 - share) + inner * share)
    turns[f"upperarm02.{side}"] = aim(rest, upper)
    turns[f"lowerarm01.{side}"] = turns[f"lowerarm02.{side}"] = aim(rest_fore, fore)
    turns[f"wrist.{side}"] = turns[f"lowerarm02.{side}"]


def _pedal(figure: Figure, stance: Stance, turns: Rotations) -> None:
    crank = np.array([0, 2.9, -0.6], np.float32)
    seat = ride_shift(figure)
    for number, (side, sign) in enumerate(zip(SIDES, (1, -1), strict=True)):
        angle = 2 * np.pi * (stance.phase + 0.5 * number)
        pedal = crank + np.array([sign * 0.95, 1.6 * np.cos(angle) + 0.9, 1.6 * np.sin(angle)])
        hip = figure.head_of(f"upperleg01.{side}") + seat
        lengths = [_length(_bone(figure, *pair, side))
                   for pair in (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"))]  # fmt: skip
        pole = np.array([sign * 0.1, 0.4, 1.0], np.float32)
        thigh, shank = two_links(hip, pedal.astype(np.float32), lengths[0], lengths[1], pole)
        _set_leg(figure, turns, side, thigh, shank)
        turns[f"foot.{side}"] = turn_x(0.15 * np.cos(angle))


def ride_shift(figure: Figure) -> Floats:
    """How far a body at rest moves so that its pelvis is on the saddle."""
    hip = figure.head_of("upperleg01.L")
    return np.array([0, SEAT + 0.75 - hip[1], -1.6 - hip[2]], np.float32)


def _grip(figure: Figure, turns: Rotations) -> None:
    rotation, shift = bone_transforms(figure.skeleton, figure.heads, turns)
    chest = figure.skeleton.index("spine01")
    for side, sign in zip(SIDES, (1, -1), strict=True):
        shoulder = rotation[chest] @ figure.head_of(f"upperarm01.{side}") + shift[chest]
        goal = np.array([sign * 2.4, 10.6, 2.6], np.float32) - ride_shift(figure)
        lengths = [_length(_bone(figure, *pair, side))
                   for pair in (("upperarm01", "lowerarm01"), ("lowerarm01", "wrist"))]  # fmt: skip
        pole = np.array([sign * 0.6, -1.0, -0.2], np.float32)
        upper, fore = two_links(shoulder, goal, lengths[0], lengths[1], pole)
        _set_arm(figure, turns, side, upper, fore)


def _fingers(figure: Figure, turns: Rotations, side: str, curl: float) -> None:
    """Relaxed fingers: together, and bent a little more joint by joint."""
    sign = 1 if side == "L" else -1
    hand = turns[f"wrist.{side}"]
    middle = _bone(figure, "wrist", "finger3-1", side)
    across = figure.head_of(f"finger5-1.{side}") - figure.head_of(f"finger2-1.{side}")
    across = across / max(_length(across), 1e-6) * sign
    for finger in range(1, 6):
        rest = _bone(figure, f"finger{finger}-1", f"finger{finger}-2", side)
        length = max(float(_length(rest)), 1e-6)
        wanted = rest / length * 0.25 + middle / max(_length(middle), 1e-6) * 0.75
        close = aim(rest, wanted) if finger > 1 else np.eye(3, dtype=np.float32)
        for joint in (1, 2, 3):
            bend = curl * (joint - 0.4) * (0.35 if finger == 1 else 0.7)
            turns[f"finger{finger}-{joint}.{side}"] = hand @ about(across, -bend) @ close
