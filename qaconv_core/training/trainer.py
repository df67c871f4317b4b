"""The training loop: batches, epochs, the rate over time, stopping and going on."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from qaconv_core.errors import Cancelled, InputError
from qaconv_core.heap import kept_heap
from qaconv_core.models import FeatureNetwork
from qaconv_core.models.backbone import SMALL_PLANS
from qaconv_core.models.stopping import stopping_within
from qaconv_core.progress import CancelToken, ProgressCallback, Tracker
from qaconv_core.training.averaging import WeightAverage
from qaconv_core.training.building import freeze, new_criterion, new_optimizer
from qaconv_core.training.calibration import Calibration, calibrate
from qaconv_core.training.checkpoint import Saved, Unfinished, load_training, save_training
from qaconv_core.training.distributed import Team
from qaconv_core.training.graph import batch_distances
from qaconv_core.training.loading import Hands, Samples, load_batches
from qaconv_core.training.losses import Batch, finite_mean
from qaconv_core.training.pictures import PictureCache
from qaconv_core.training.precision import autocast, training_precision
from qaconv_core.training.recipes import Recipe
from qaconv_core.training.samplers import Decks, graph_plan, identity_plan, random_plan
from qaconv_core.training.schedule import Schedule
from qaconv_core.training.teaching import Teachers
from qaconv_core.types import Float32, Int64

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d)
"""Layers that keep running statistics."""


@dataclass(frozen=True)
class Surroundings:
    """What a training has around it: processes, listeners, workers. All optional."""

    team: Team = field(default_factory=Team)
    workers: int = 0
    progress: ProgressCallback | None = None
    cancel: CancelToken | None = None
    log: Callable[[str], None] | None = None


@dataclass
class _Means:
    """Sums over the samples of an epoch."""

    loss: float = 0.0
    accuracy: float = 0.0
    samples: int = 0
    skipped: int = 0

    def add(self, loss: float, accuracy: float, samples: int) -> None:
        self.loss += loss * samples
        self.accuracy += accuracy * samples
        self.samples += samples

    def means(self) -> tuple[float, float]:
        """(loss, accuracy); loss is NaN where no sample counted."""
        if self.samples == 0:
            return float("nan"), 0.0
        return self.loss / self.samples, self.accuracy / self.samples


class Trainer:
    """Trains a network on a picture book after a recipe.

    :meth:`run` goes through the epochs that are left; :meth:`save` and :meth:`restore` are a
    checkpoint. Everything random follows from ``seed``, epoch and place in the epoch.
    """

    def __init__(
        self,
        recipe: Recipe,
        network: FeatureNetwork,
        book: PictureCache,
        *,
        seed: int = 0,
        pretrained: bool = False,
        teachers: Teachers | None = None,
        around: Surroundings | None = None,
    ) -> None:
        self.recipe, self.book, self.seed, self.teachers = recipe, book, seed, teachers
        self.around = around or Surroundings()
        self.team = self.around.team
        self.device = self.team.device
        if recipe.batch_size % self.team.ranks:
            raise InputError(
                f"a batch of {recipe.batch_size} pictures cannot be shared by {self.team.ranks} "
                "processes equally; change --batch-size or --nproc-per-node"
            )
        self.precision = training_precision(recipe.amp, self.device)
        on_gpu = self.device.type == "cuda"
        # Depthwise convolutions are twice as fast with channels last, but instance norms on a CPU
        # several times slower.
        last = on_gpu or recipe.arch in SMALL_PLANS
        self._format = torch.channels_last if last else torch.contiguous_format
        self.network = network.to(self.device).to(memory_format=self._format)
        self.criterion = new_criterion(recipe, book.people.classes).to(self.device)
        self.team.same(self.network)
        self.team.same(self.criterion)
        freeze(self.network, recipe.frozen)
        self.optimizer = new_optimizer(recipe, self.network, self.criterion, pretrained)
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=self.precision == "float16" and on_gpu
        )
        self.schedule = Schedule(recipe)
        self._decks = Decks(book.people)
        self.epoch = 0
        self.history: list[dict[str, float]] = []
        self.calibration: Calibration | None = None
        self._average = WeightAverage(
            {"model": self.network, "matcher": self.criterion.matcher} if recipe.average else {}
        )
        self._unfinished: Unfinished | None = None
        self._unsaved = ""
        self._trunk: torch.Tensor | None = None
        # One of several processes must not leave the others waiting.
        self._cancel = self.around.cancel if self.team.ranks == 1 else None
        self._hands = Hands(self.around.workers, self._cancel)
        if recipe.loss == "scratch":
            getattr(network.base, recipe.layer).register_forward_hook(self._keep_trunk)

    def _keep_trunk(self, module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        self._trunk = output.mean(dim=(2, 3))

    @property
    def finished(self) -> bool:
        """Whether no epoch is left."""
        return self.epoch >= self.schedule.final_epochs

    def run(self, path: Path | None = None) -> None:
        """Train the epochs that are left, saving each to ``path``.

        Raises :class:`Cancelled` within a batch, which is given up, with the epoch's progress
        saved; of several processes, after the batch in hand. A disk that refuses ends no training:
        the next epoch's end tries again. Where the last attempt fails too, :class:`InputError`
        names the temporary folder's file that holds the state.
        """
        with closing(self._hands), kept_heap(), self._stopping_within_batches():
            while not self.finished:
                self._run_epoch(path)
                if not self.finished and self.team.any(self._stop_asked()):
                    self._rescue(path)
                    raise Cancelled(f"stopped after epoch {self.epoch}; --resume continues")
            if self._average.steps:
                self._average.take()
                self._keep(path)
            if self.recipe.calibrate and self.calibration is None:
                self._calibrate(path)
            self._rescue(path)

    @contextmanager
    def _stopping_within_batches(self) -> Iterator[None]:
        matcher = self.criterion.matcher
        with stopping_within(self.network, self._cancel):
            matcher.cancel = self._cancel
            try:
                yield
            finally:
                matcher.cancel = None

    def _calibrate(self, path: Path | None) -> None:
        """Give the logits scale and zero; one process fits, all take the head."""
        found = self._fit_calibration() if self.team.leads else None
        if found is not None:
            self.criterion.matcher.rescale_logits(found.slope, found.shift)
            self.calibration = found
        self.team.same(self.criterion)
        self._keep(path)
        if self.around.log is not None and self.team.leads:
            told = "training pairs tell nothing of it"
            if found is not None:
                told = f"logit becomes {found.slope:.3g} · logit {found.shift:+.3g}"
            self.around.log(f"calibration: {told}")

    def _fit_calibration(self) -> Calibration | None:
        try:
            return calibrate(
                self.network,
                self.criterion.matcher.affine(),
                self.book,
                self.recipe.augmentation,
                device=self.device,
                seed=self.seed,
                precision=self.precision,
                hands=self._hands,
                progress=self.around.progress,
                cancel=self._cancel,
            )
        finally:
            self.network.to(memory_format=self._format)

    def _run_epoch(self, path: Path | None) -> None:
        began = time.monotonic()
        work = self._unfinished or Unfinished(self._plan(), 0, 0.0, 0.0, 0)
        means = _Means(work.loss_sum, work.accuracy_sum, work.samples)
        batches, size = work.plan.shape
        tracker = Tracker(
            f"epoch {self.epoch + 1}/{self.schedule.final_epochs}",
            batches * size,
            "images",
            self.around.progress if self.team.leads else None,
            start=work.done * size,
        )
        try:
            for samples in self._batches(work):
                self._learn(samples, work.done / batches, means)
                work.done += 1
                tracker.advance(size, self._message(means, tracker))
                if self.team.any(self._stop_asked()) and work.done < batches:
                    raise Cancelled
        except Cancelled:
            raise self._stopped(work, means, path) from None
        self._end_epoch(means, time.monotonic() - began, path)

    def _batches(self, work: Unfinished) -> Iterator[Samples]:
        recipe = self.recipe
        return load_batches(
            self.book,
            work.plan,
            recipe.augmentation,
            grid=self.criterion.matcher.grid,
            seed=self.seed,
            epoch=self.epoch,
            start=work.done,
            share=self.team.share,
            wants_places=recipe.loss == "scratch" and recipe.view_weight > 0,
            hands=self._hands,
            pin=self.device.type == "cuda",
        )

    def _stop_asked(self) -> bool:
        cancel = self.around.cancel
        return cancel is not None and cancel.cancelled

    def _stopped(self, work: Unfinished, means: _Means, path: Path | None) -> Cancelled:
        """Save the epoch's progress; says where it stands."""
        work.loss_sum, work.accuracy_sum = means.loss, means.accuracy
        work.samples = means.samples
        self._unfinished = work
        self._keep(path)
        self._rescue(path)
        return Cancelled(
            f"stopped in epoch {self.epoch + 1} after {work.done} of {len(work.plan)} batches"
            + (f"; {path} is saved and --resume continues" if path is not None else "")
        )

    def _end_epoch(self, means: _Means, seconds: float, path: Path | None) -> None:
        loss, accuracy = means.means()
        if means.samples == 0:
            raise InputError(
                f"no sample of epoch {self.epoch + 1} had a finite loss: the training has "
                "diverged; lower --lr or --clip_value, or switch --amp off"
            )
        for module in (self.network, self.criterion):
            self.team.same(module)
        news = self.schedule.after_epoch(self.epoch, loss)
        rate = max(group["lr"] for group in self.optimizer.param_groups)
        self.epoch += 1
        self._unfinished = None
        record = {
            "epoch": self.epoch,
            "loss": loss,
            "accuracy": accuracy,
            "rate": rate,
            "seconds": seconds,
            "skipped": means.skipped,
        }
        self.history.append(record)
        self._keep(path)
        self._tell(record, news)

    def _tell(self, record: dict[str, float], news: str) -> None:
        if self.around.log is None or not self.team.leads:
            return
        line = (
            f"epoch {self.epoch}/{self.schedule.final_epochs}: loss {record['loss']:.4f}, "
            f"accuracy {record['accuracy']:.1%}, rate {record['rate']:.3g}, "
            f"{record['seconds']:.0f} s"
        )
        if self.criterion.extra:
            terms = ", ".join(f"{k} {v:.3f}" for k, v in self.criterion.extra.items())
            line += f" (last batch: {terms})"
        if record["skipped"]:
            line += f"; {record['skipped']:.0f} samples or steps without finite numbers left out"
        self.around.log(line + (f"; {news}" if news else ""))

    def _plan(self) -> Int64:
        """The batches of the coming epoch, the same in all processes."""
        plan = self._own_plan() if self.team.leads else None
        return self.team.share_plan(plan)

    def _own_plan(self) -> Int64:
        recipe, people = self.recipe, self.book.people
        random = np.random.default_rng((self.seed, self.epoch, 7))
        if recipe.sampler == "random":
            plan = random_plan(people, recipe.batch_size, random)
            return plan[:, : plan.shape[1] // self.team.ranks * self.team.ranks]
        # Views of one picture stand side by side; each is changed in its own way.
        size, count = recipe.batch_size // recipe.views, recipe.num_instance // recipe.views
        if recipe.sampler == "identity" or self.epoch < recipe.gs_pre_epochs:
            plan = identity_plan(people, size, count, random)
        else:
            plan = graph_plan(people, size, count, random, self._distances, self._decks)
        return np.repeat(plan, recipe.views, axis=1)

    def _distances(self, places: Int64) -> Float32:
        """Distances among pictures as the network is now; it comes back in its own format."""
        try:
            return batch_distances(
                self.network,
                self.criterion.matcher.affine(),
                self.book,
                places,
                device=self.device,
                precision=self.precision,
                rerank=self.recipe.gs_rerank,
                progress=self.around.progress,
                cancel=self._cancel,
            )
        finally:
            self.network.to(memory_format=self._format)

    def _learn(self, samples: Samples, part: float, means: _Means) -> None:
        """One step of the optimiser; samples without a finite loss are left out.

        Raises :class:`Cancelled` before the step, with everything as it was.
        """
        factor = self.schedule.factor(self.epoch, part)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        self.network.train(not self.recipe.frozen_norms)
        self.criterion.train()
        self.optimizer.zero_grad(set_to_none=True)
        with self._same_statistics_if_cancelled():
            batch = self._forward(samples)
            loss, accuracy, count = finite_mean(*self.criterion(batch))
            if loss is not None:
                self.scaler.scale(loss).backward()
        self.criterion.remember(batch)
        means.skipped += len(batch.labels) - count
        if loss is None:
            return
        self.scaler.unscale_(self.optimizer)
        self.team.add_gradients(self.network.parameters())
        if self._clip():
            self.scaler.step(self.optimizer)
        else:
            means.skipped += count
        self.scaler.update()
        if self.epoch + part >= self.schedule.final_epochs * (1 - self.recipe.average):
            self._average.add()
        else:
            self._average.forget()  # of a run that was prolonged since
        means.add(float(loss.detach()), accuracy, count)

    @contextmanager
    def _same_statistics_if_cancelled(self) -> Iterator[None]:
        """Take back what a batch that is given up did to the norms' running statistics."""
        if self._cancel is None:
            yield
            return
        modules = (*self.network.modules(), *self.criterion.modules())
        norms = [module for module in modules if isinstance(module, NORMS)]
        before = [(value, value.clone()) for norm in norms for value in norm.buffers()]
        try:
            yield
        except Cancelled:
            for value, kept in before:
                value.copy_(kept)
            raise

    def _forward(self, samples: Samples) -> Batch:
        """The whole batch's feature maps and labels, in every process."""
        pixels = samples.pixels.to(self.device, non_blocking=True)
        images = pixels.float().div_(255).contiguous(memory_format=self._format)
        with autocast(self.precision, self.device):
            maps = self.network(images)
        team, device = self.team, self.device

        def gathered(values: torch.Tensor | None) -> torch.Tensor | None:
            return None if values is None else team.gather(values.to(device))

        whole, labels = team.gather(maps.float(), learns=True), gathered(samples.labels)
        assert whole is not None
        assert labels is not None
        trunk = None if self._trunk is None else team.gather(self._trunk.float(), learns=True)
        self._trunk = None
        pictures = gathered(samples.pictures)
        taught = None
        if self.teachers is not None and pictures is not None:
            taught = self.teachers.logits(pictures.cpu().numpy(), self._cancel)
        return Batch(
            whole,
            labels,
            trunk,
            gathered(samples.parts),
            gathered(samples.places),
            pictures,
            taught,
        )

    def _clip(self) -> bool:
        """Clip the gradients of network and head each; False where one is not finite."""
        finite = True
        for module in (self.network, self.criterion):
            limit = self.recipe.clip_value or float("inf")
            norm = torch.nn.utils.clip_grad_norm_(module.parameters(), limit)
            finite = finite and bool(torch.isfinite(norm))
        return finite

    def _message(self, means: _Means, tracker: Tracker) -> str:
        loss, accuracy = means.means()
        rate = max(group["lr"] for group in self.optimizer.param_groups)
        text = f"loss {loss:.3f}, accuracy {accuracy:.0%}, rate {rate:.2g}"
        speed = tracker.snapshot().rate
        if not speed or tracker.total is None:
            return text
        epochs_left = self.schedule.final_epochs - self.epoch
        seconds = (epochs_left * tracker.total - tracker.done) / speed
        return text + f", {seconds / 60:.0f} min to the last epoch's end"

    def _keep(self, path: Path | None) -> None:
        """Save to ``path``; where that fails it is said, and the training goes on."""
        if path is None:
            return
        self._unsaved = ""
        try:
            self.save(path)
        except InputError as error:
            self._unsaved = str(error)
            if self.around.log is not None:
                self.around.log(f"warning: {error}; the training goes on and tries again")

    def _rescue(self, path: Path | None) -> None:
        """Where the last save failed: save to the temporary folder, and say it as an error."""
        if path is None or not self._unsaved:
            return
        folder = Path(tempfile.mkdtemp(prefix="qaconv-"))
        elsewhere = folder / path.name
        try:
            self.save(elsewhere)
        except InputError:
            folder.rmdir()
            raise InputError(f"{self._unsaved}; what was trained since is lost") from None
        raise InputError(
            f"{self._unsaved}; the state is kept as {elsewhere}: move it to {path} to go on from it"
        )

    def save(self, path: Path) -> None:
        """Write the checkpoint (the leading process only)."""
        if not self.team.leads:
            return
        saved = Saved(
            recipe=self.recipe,
            epoch=self.epoch,
            seed=self.seed,
            fingerprint=self.book.people.fingerprint,
            schedule=self.schedule.state(),
            history=self.history,
            scaler=self.scaler.state_dict(),
            unfinished=self._unfinished,
            calibration=self.calibration,
            average=self._average.state(),
            decks=self._decks.state(),
        )
        save_training(path, saved, self.network, self.criterion, self.optimizer)

    def restore(self, path: Path) -> None:
        """Take up a run where :meth:`save` left it.

        Raises :class:`~qaconv_core.errors.CheckpointError` where the file does not fit, and
        :class:`InputError` where the people are others than they were.
        """
        saved = load_training(path, self.network, self.criterion, self.optimizer)
        if saved.fingerprint != self.book.people.fingerprint:
            raise InputError(
                f"{path}: the training pictures are not those that this run was started with "
                f"(now {self.book.people.describe()}); start a new run in another --sub_method"
            )
        self.network.to(memory_format=self._format)
        self.epoch, self.seed = saved.epoch, saved.seed
        self.schedule.restore(saved.schedule)
        self.history = saved.history
        if saved.scaler and self.scaler.is_enabled():
            self.scaler.load_state_dict(saved.scaler)
        self._unfinished = saved.unfinished
        self._decks.restore(saved.decks)
        self._average.restore(saved.average if self.recipe.average else {})
        self.calibration = saved.calibration
        if self.calibration is not None and not self.finished:
            # More epochs were asked for: they go on from the logits that the loss knows.
            back, self.calibration = self.calibration.inverse, None
            self.criterion.matcher.rescale_logits(back.slope, back.shift)
