"""A short training of the stand-in model on people, and through cameras, the demo never shows.

Matching losses alone collapse when started from nothing, so the identity is asked for as well:
cross-entropy on pooled features and on horizontal stripes of the neck, plus a softmax contrast
(InfoNCE) over the matching rule within the batch, there on cells pooled 2×2 to be quick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .camera import encode, take
from .network import GRID, INPUT, NECK, FeatureNet, Head, extract
from .people import draw_crowd
from .scene import draw_camera

SEED = 7
"""Seed of the training people; :func:`calibrate_head` uses SEED + 1. The demo has another."""


@dataclass(frozen=True)
class Album:
    """Pictures (n, 384, 128, 3) uint8 and who is on them, (n,); one camera a picture."""

    pictures: npt.NDArray[np.uint8]
    people: npt.NDArray[np.int64]
    cameras: npt.NDArray[np.int64]


def draw_album(people: int, views: int, seed: int, cameras: int = 24) -> Album:
    """``people`` persons, a quarter of them look-alikes, each seen by ``views`` cameras."""
    rng = np.random.default_rng(seed)
    crowd = draw_crowd(people, people // 4, rng)
    eyes = [draw_camera(rng) for _ in range(cameras)]
    pictures, who, where = [], [], []
    for number, person in enumerate(crowd):
        for camid in rng.choice(cameras, views, replace=False):
            away = bool(rng.integers(2))
            picture = take(eyes[camid], person, rng, away, canvas=256)
            data = np.frombuffer(encode(picture, eyes[camid].quality), np.uint8)
            stored = cv2.imdecode(data, cv2.IMREAD_COLOR)
            assert stored is not None, "what encode() wrote is a JPEG"
            rgb = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
            size = (INPUT[1], INPUT[0])
            pictures.append(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC))
            who.append(number)
            where.append(camid)
    return Album(np.stack(pictures), np.array(who), np.array(where))


def augment(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Flip, shift, zoom, colour gains, noise and erased patches, each drawn per picture."""
    n = len(pictures)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=rng) * (high - low) + low

    affine = torch.zeros(n, 2, 3)
    affine[:, 0, 0] = uniform(0.85, 1.1) * torch.sign(uniform(-1, 1))
    affine[:, 1, 1] = uniform(0.85, 1.1)
    affine[:, 0, 2], affine[:, 1, 2] = uniform(-0.15, 0.15), uniform(-0.1, 0.1)
    grid = F.affine_grid(affine, list(pictures.shape), align_corners=False)
    out = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    out = out.clamp(0, 1) ** uniform(0.75, 1.3, 1, 1, 1) * uniform(0.85, 1.15, 3, 1, 1)
    out = out + torch.randn(out.shape, generator=rng) * uniform(0, 0.03, 1, 1, 1)
    for picture in out:
        if float(torch.rand(1, generator=rng)) < 0.3:
            y, x, h, w = (int(v) for v in torch.randint(0, 96, (4,), generator=rng))
            picture[:, 3 * y : 3 * y + h + 32, x : x + w // 2 + 16] = float(picture.mean())
    return out.clamp(0, 1)


class Losses(nn.Module):
    """Identity on pooled features and on stripes, and the contrast over the matching rule."""

    def __init__(self, people: int) -> None:
        super().__init__()
        self.whole = nn.Linear(256, people)
        self.norm = nn.BatchNorm1d(256)
        self.stripes = nn.Linear(6 * NECK, people)
        self.weight = nn.Parameter(torch.zeros(GRID[0] // 2, GRID[1] // 2))
        self.log_scale = nn.Parameter(torch.tensor(2.5))

    def cell_weights(self) -> Tensor:
        """Positive weights of the pooled cells, (12, 4), summing to 1."""
        return self.weight.flatten().softmax(0).reshape(self.weight.shape)

    def contrast(self, maps: Tensor, who: Tensor) -> Tensor:
        """InfoNCE: every picture must match others of its person better than anybody else."""
        cells = F.normalize(F.avg_pool2d(maps, 2), dim=1).flatten(2)
        similarity = torch.einsum("icr,jcs->ijrs", cells, cells)
        weights = self.cell_weights().flatten()
        one_way = (similarity.amax(2) * weights).sum(2)
        logits = (one_way + one_way.T) * self.log_scale.exp()
        same = who[:, None] == who[None]
        others = logits.masked_fill(same, -1e4).logsumexp(1, keepdim=True)
        loss = F.softplus(others - logits)
        return loss[same & ~torch.eye(len(who), dtype=torch.bool)].mean()

    def forward(self, deep: Tensor, maps: Tensor, who: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the losses, and the contrast alone (for the log)."""
        pooled = self.norm(deep.mean((2, 3)))
        stripes = F.adaptive_avg_pool2d(maps, (6, 1)).flatten(1) * 8
        identity = F.cross_entropy(self.whole(pooled), who, label_smoothing=0.1)
        identity = identity + F.cross_entropy(self.stripes(stripes), who, label_smoothing=0.1)
        contrast = self.contrast(maps, who)
        return 0.5 * identity + contrast, contrast


def _batch(album: Album, people: int, views: int, rng: np.random.Generator) -> list[int]:
    """Indices of ``people`` × ``views`` pictures; look-alikes come in pairs half of the time."""
    count = int(album.people.max()) + 1
    alike = count // 4
    chosen = [int(p) for p in rng.permutation(count)[:people]]
    if rng.random() < 0.5:
        first = [int(p) for p in rng.permutation(alike)[: people // 2]]
        chosen = (first + [count - alike + p for p in first] + chosen)[:people]
        chosen = list(dict.fromkeys(chosen))
    out: list[int] = []
    for person in chosen:
        out += [int(i) for i in rng.permutation(np.flatnonzero(album.people == person))[:views]]
    return out


def train(
    album: Album, steps: int, seed: int, say: Callable[[str], None]
) -> tuple[FeatureNet, Head]:
    """Train from nothing for ``steps`` batches of 16 people × 4 pictures."""
    torch.manual_seed(seed)
    rng, dice = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    net = FeatureNet().to(memory_format=torch.channels_last)
    losses = Losses(int(album.people.max()) + 1)
    groups: list[dict[str, Any]] = [
        {"params": list(net.parameters())},
        {"params": list(losses.parameters()), "lr": 3e-3},
    ]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, weight_decay=5e-3)
    rates = [1e-3, 3e-3]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, steps, pct_start=0.15)
    net.train()
    for step in range(steps):
        index = _batch(album, 16, 4, rng)
        pictures = torch.from_numpy(album.pictures[index]).permute(0, 3, 1, 2).float() / 255
        with torch.autocast("cpu", torch.bfloat16):
            deep, maps = net(augment(pictures, dice))
        loss, contrast = losses(deep.float(), maps.float(), torch.from_numpy(album.people[index]))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        if step % 20 == 0:
            say(f"step {step}/{steps}: loss {loss.item():.3f}, contrast {contrast.item():.3f}")
    head = Head()
    cells = losses.cell_weights().detach()
    head.fc.weight.data = cells.repeat_interleave(2, 0).repeat_interleave(2, 1).reshape(1, -1)
    return net.to(memory_format=torch.contiguous_format), head


@torch.no_grad()
def settle_norms(net: FeatureNet, album: Album, batches: int = 12) -> None:
    """Running statistics of all norms, averaged over pictures as they come (not augmented)."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    net.train()
    order = np.random.default_rng(0).permutation(len(album.people))
    for index in np.array_split(order, max(1, len(order) // 32))[:batches]:
        net(torch.from_numpy(album.pictures[index]).permute(0, 3, 1, 2).float() / 255)
    net.eval()


def _set_statistics(norm: nn.BatchNorm1d, values: Tensor) -> None:
    assert norm.running_mean is not None, "norms of the head keep running statistics"
    assert norm.running_var is not None, "norms of the head keep running statistics"
    norm.running_mean.fill_(float(values.mean()))
    norm.running_var.fill_(float(values.var()))


@torch.no_grad()
def calibrate_head(net: FeatureNet, head: Head, album: Album, gap: float = 20.0) -> None:
    """Set the head's norms so that true pairs average +gap/2 and false pairs −gap/2.

    ``album`` shows people that the network was not trained on.
    """
    maps = extract(net, list(album.pictures))
    head.eval()
    flat = maps.flatten(2)
    similarity = torch.einsum("gcr,cs->grs", flat[1:], flat[0])
    best = torch.cat([similarity.amax(1).flatten(), similarity.amax(2).flatten()])
    _set_statistics(head.bn, best)
    z = head.sums(maps, maps)
    same = torch.from_numpy(album.people[:, None] == album.people[None])
    near = same & ~torch.eye(len(maps), dtype=torch.bool)
    true, false = float(z[near].mean()), float(z[~same].mean())
    _set_statistics(head.logit_bn, z)
    slope = gap / max(true - false, 1e-6)
    spread = (float(z.var()) + head.logit_bn.eps) ** 0.5
    head.logit_bn.weight.fill_(slope * spread)
    head.logit_bn.bias.fill_(slope * (float(z.mean()) - (true + false) / 2))
