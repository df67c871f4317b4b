"""The rounds: grouping, training on the groups, checking on held-out pictures; kept and resumed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from qaconv_core.adaptation.checks import Check, Checked, check_model, gain_over
from qaconv_core.adaptation.defaults import SHARE
from qaconv_core.adaptation.forecast import (
    CHECK_STAGE,
    MIRRORED_STAGE,
    Forecast,
    forecast,
    stage_of,
)
from qaconv_core.adaptation.grouping import ALONE, Grouping, group_pictures
from qaconv_core.adaptation.hints import time_hints
from qaconv_core.adaptation.learning import (
    adapting_recipe,
    average_with_start,
    epochs_of,
    grouped_book,
    new_trainer,
    thinned,
)
from qaconv_core.adaptation.neighbours import all_logits, nearest_pictures
from qaconv_core.adaptation.pictures import unlabelled
from qaconv_core.adaptation.reciprocal import reciprocal_distances
from qaconv_core.adaptation.replay import (
    MapQuality,
    before_surroundings,
    map_quality,
    replayed_people,
    with_replay,
)
from qaconv_core.adaptation.state import (
    STATE_FILE,
    Grouped,
    State,
    may_replace,
    open_state,
)
from qaconv_core.adaptation.values import (
    AdaptationJob,
    AdaptationResult,
    FoundGroups,
    Mirrored,
    Round,
    Wrong,
)
from qaconv_core.device import resolve_device
from qaconv_core.errors import Cancelled, DatasetError, InputError
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.models import load_checkpoint
from qaconv_core.models.camera_correction import (
    MOST_PICTURES,
    CameraCorrection,
    fit_camera_correction,
    pictures_to_fit,
)
from qaconv_core.models.checkpoints import Checkpoint
from qaconv_core.progress import CancelToken, Progress, ProgressCallback, WorkContext
from qaconv_core.readable import counted, shown
from qaconv_core.store.atomic import remove_leftovers
from qaconv_core.training.calibration import Calibration
from qaconv_core.training.checkpoint import export_checkpoint
from qaconv_core.training.distributed import Team
from qaconv_core.training.pictures import PictureCache, default_workers, open_book
from qaconv_core.training.trainer import Surroundings, Trainer
from qaconv_core.types import UNKNOWN, Float16, Float32, ImageRef, Int64

HELD_SHARE = 0.1
"""Share of the pictures that are held out, in whole groups."""
HELD_LIMITS = (150, 400)
"""Least and most pictures held out; the least only where it is at most a quarter of all."""
CLEAR = 0.005
"""Gain from which a round is clearly better than the old model."""
SEEMS_LOST = 0.005
"""Gain that mirrored pictures may seem to cost: on as few held-out pictures, that is chance."""
WORTH_LOST = 0.02
"""How much less the held-out groups of such a round may be worth."""
FELL = "the maps connect parts of the body less often, or the background more often, than before"
_AT_ONCE = 64
_MEASURES = (
    ("groups' worth", "worth"),
    ("gain", "gain"),
    ("stability", "stability"),
    ("nearest of other cameras", "across"),
    ("separation", "separation"),
    ("mAP", "mAP"),
)

Say = Callable[[str], None]
OnPlan = Callable[[Forecast], None]
OnGroups = Callable[[FoundGroups], Wrong | None]
OnResult = Callable[[AdaptationResult], None]


def adapt(
    job: AdaptationJob,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    say: Say | None = None,
    on_groups: OnGroups | None = None,
    on_plan: OnPlan | None = None,
    on_result: OnResult | None = None,
) -> AdaptationResult:
    """Adapt a model to pictures without labels; write it to ``job.out``.

    ``on_groups`` gets the groups of each round before anything is learned from them, and may
    return what is wrong among them; what it raises ends the run, which can be taken up again.
    ``on_plan`` gets the forecast before the work begins. ``on_result`` gets the result once the
    model is written, to write more files; where it raises, or the process is killed in it, an equal
    job comes to it again without learning anew.

    An equal job that was interrupted is taken up where it stood, with the same result. Raises
    :class:`~qaconv_core.errors.Cancelled` once the step in hand is saved, and the engine's
    errors, at once where something cannot work.
    """
    adaptation = _Adaptation(job, progress, cancel, say or (lambda line: None), on_groups)
    adaptation.on_plan, adaptation.on_result = on_plan, on_result
    return adaptation.run()


class _Adaptation:
    """One run of :func:`adapt`."""

    def __init__(
        self,
        job: AdaptationJob,
        progress: ProgressCallback | None,
        cancel: CancelToken | None,
        say: Say,
        on_groups: OnGroups | None,
    ) -> None:
        self.job, self.progress, self.cancel, self.say = job, progress, cancel, say
        self.on_groups = on_groups
        self.on_plan: OnPlan | None = None
        self.on_result: OnResult | None = None
        self._old_checked: Checked | None = None
        self.device = resolve_device(job.device)
        self.old = load_checkpoint(job.start, input_size=job.input_size)

    def run(self) -> AdaptationResult:
        """All rounds that are left, the choice, the file."""
        job = self.job
        _check_out(job)
        state = open_state(job, self.old.spec.sha256)
        for note in job.pictures.notes:
            self.say(f"note: {note}")
        self.book = self._read_pictures()
        self.people = self.book.people
        self.pids = _ids([ref.pid for ref in self.people.refs])
        self.times = np.array(
            [np.nan if ref.time is None else ref.time for ref in self.people.refs]
        )
        if state.grouped and len(state.grouped[0].labels) != len(self.people):
            raise InputError(
                f"{shown(job.folder)}: other pictures can be read now than when it was begun; "
                "--overwrite begins anew"
            )
        self._introduce(state)
        state.save()  # what it may replace is known from now on
        try:
            more = self._goes_on(state)
            while more and len(state.rounds) < job.rounds:
                more = self._round(state, len(state.rounds) + 1)
            if not self._best(state):
                self._cameras_alone(state)
            return self._finish(state)
        except Cancelled:
            with contextlib.suppress(InputError):  # a full disk: only the seconds are lost
                state.save()
            raise

    def _introduce(self, state: State) -> None:
        people, cameras = self.people, self.job.pictures.cameras
        where = f" of {counted(cameras, 'camera')}" if cameras else ", cameras not known"
        self.say(f"adapting {self.old.spec.describe()} to {len(people):,} pictures{where}")
        if self.old.network.mirrored:
            self.say("note: the model averages mirrored pictures already; the new one does so too")
        if cameras == 1:
            self.say(
                "note: all pictures come from one camera: nothing can be learned of how people "
                "look before others"
            )
        for item in people.rejected[:10]:
            self.say(f"left out: {item}")
        if len(people.rejected) > 10:
            self.say(f"left out: {len(people.rejected) - 10:,} more pictures")
        self.plan = self._forecast()
        self.say(self.plan.describe())
        if self.on_plan is not None:
            self.on_plan(self.plan)
        if state.grouped and len(state.rounds) < self.job.rounds:
            self.say(f"going on in round {len(state.rounds) + 1} of {self.job.rounds}")

    def _forecast(self) -> Forecast:
        job = self.job
        return forecast(
            self.old, self.book, job.rounds, job.epochs, device=self.device,
            allowed=job.memory, cancel=self.cancel,
        )  # fmt: skip

    # ── one round ───────────────────────────────────────────────────────────────────────────────

    def _round(self, state: State, number: int) -> bool:
        """Group, learn, check. False where no further round is to be made."""
        began = time.monotonic()
        start = self.job.start if number == 1 else state.model(number - 1)
        if len(state.grouped) < number:
            self._group(state, number, start)
        grouped = state.grouped[number - 1]
        if number == 1:
            self._leave_out(state)
        if self.on_groups is not None:
            wrong = self.on_groups(self._found(state, number))
            if wrong is not None:
                self._take_out(state, number, wrong)
        assert state.held_out is not None
        labels = grouped.labels.copy()
        labels[state.held_out] = ALONE
        labels[grouped.out] = ALONE
        chosen = thinned(labels, self.people.cameras)
        count = len(np.unique(labels[chosen]))
        self.say(
            f"round {number}: {counted(count, 'group')} of "
            f"{counted(len(chosen), 'picture')} to learn from "
            f"(reach {grouped.reach:g}; {len(state.held_out):,} pictures are held out)"
        )
        if count < 2:
            self.say("note: too few pictures look alike for groups; nothing was learned")
            return False
        loss, share, maps = self._learn(state, number, start, chosen, labels)
        made = Round(
            number,
            grouped.reach,
            count,
            int((grouped.labels != ALONE).sum()),
            len(chosen),
            loss,
            0.0,
            self._check(state.model(number), state.held_out, number).check,
            agreement(grouped.labels, self.pids),
            maps,
            share,
        )
        self._note(state, replace(made, seconds=time.monotonic() - began))
        state.training(number).unlink(missing_ok=True)
        return self._goes_on(state)

    def _note(self, state: State, made: Round) -> None:
        """Keep what came of a round, and say it."""
        state.rounds.append(made)
        state.save()
        name = f"round {made.number}" if made.learned else "cameras alone"
        self.say(f"{name}: {words_of_check(made.check, state.before)}")
        if made.maps is not None:
            self.say(f"{name}: {words_of_maps(made.maps, state.maps_before)}")

    def _cameras_alone(self, state: State) -> None:
        """Where no round helped: one more that learns nothing and corrects the old model's maps for
        the cameras."""
        if state.rounds and not state.rounds[-1].learned:  # of a run that was interrupted
            return
        assert state.held_out is not None
        began, number, last = time.monotonic(), len(state.rounds) + 1, max(1, len(state.learned))
        rendered = self._replayed(len(self.people), last)
        correction = self._correction(self.job.start, state.held_out, rendered, last)
        if correction is None:
            return
        export_checkpoint(self.job.start, state.model(number), half=False, correction=correction)
        check = self._check(state.model(number), state.held_out, last).check
        maps = self._map_quality(state.model(number), last)
        made = Round(number, 0.0, 0, 0, 0, 0.0, time.monotonic() - began, check, None, maps)
        self._note(state, made)

    def _best(self, state: State) -> int:
        assert state.before is not None
        return best_round(state.before, tuple(state.rounds), state.maps_before)

    def _goes_on(self, state: State) -> bool:
        """Whether a further round may follow: where the maps bore no more of the last one, they
        would not bear another."""
        whole = not state.rounds or state.rounds[-1].share == SHARE
        return not self._maps_fell(state) and whole

    def _maps_fell(self, state: State) -> bool:
        """Whether the maps of the last round are so much worse that no further one is made."""
        last = state.rounds[-1].maps if state.rounds else None
        if last is None or state.maps_before is None or last.honest(state.maps_before):
            return False
        self.say(f"note: {FELL}; round {len(state.rounds)} is not kept, and no further one is made")
        return True

    def _leave_out(self, state: State) -> None:
        """Note the groups of the first round that the job leaves out, before it learns."""
        wanted, grouped = sorted(set(self.job.without)), state.grouped[0]
        if not wanted:
            return
        count = int(grouped.labels.max(initial=ALONE)) + 1
        if wanted[0] < 1 or wanted[-1] > count:
            raise InputError(f"there are groups 1 to {count:,} to take out, no others")
        places = grouped.places_of(wanted)
        if np.isin(places, grouped.out).all():
            return
        if state.learning(1):
            raise InputError(
                "the first round has begun to learn, and its groups can no longer be taken out; "
                "--overwrite begins anew"
            )
        grouped.out = places
        state.save()

    def _take_out(self, state: State, number: int, wrong: Wrong) -> None:
        """Note what a person found wrong among the groups that were shown."""
        grouped = state.grouped[number - 1]
        if state.learning(number):
            return
        named = [k for k, ref in enumerate(self.people.refs) if ref.path in wrong.pictures]
        places = np.union1d(grouped.places_of(wrong.groups), np.array(named, dtype=np.int64))
        if not np.array_equal(places, grouped.out):
            grouped.out = places.astype(np.int64)
            state.save()

    def _found(self, state: State, number: int) -> FoundGroups:
        grouped, refs = state.grouped[number - 1], self.people.refs
        labels = grouped.labels
        count = int(labels.max(initial=ALONE)) + 1
        groups: list[list[ImageRef]] = [[] for _ in range(count)]
        for label, ref in zip(labels.tolist(), refs, strict=True):
            if label != ALONE:
                groups[label].append(ref)
        assert state.held_out is not None
        return FoundGroups(
            number,
            tuple(tuple(group) for group in groups),
            int((labels == ALONE).sum()),
            # Later rounds group held-out pictures together with others, which are learned from.
            _whole_groups(labels, state.held_out),
            _whole_groups(labels, grouped.out),
            frozenset(refs[place].path for place in grouped.out.tolist()),
            state.learning(number),
        )

    def _group(self, state: State, number: int, start: Path) -> None:
        model = load_checkpoint(start, input_size=self.job.input_size)
        work = self._work(number)
        maps = self._maps(model, np.arange(len(self.people)), work, "grouping: features")
        near = nearest_pictures(
            maps, model.matcher.affine(), self.people.cameras, device=self.device, work=work
        )
        cameras = self.people.cameras
        found = group_pictures(
            reciprocal_distances(near), cameras, time_hints(near, cameras, self.times)
        )
        state.grouped.append(Grouped(found.labels, found.reach))
        if number == 1:
            state.held_out = hold_out(found, self.job.seed)
            held = state.held_out
            self._old_checked = self._measure(model, maps[held], held)
            state.before = self._old_checked.check
            self.say(f"before: {words_of_check(state.before, None)}")
            state.maps_before = self._map_quality(start, number, "grouping: maps")
            self.say(f"before: {words_of_maps(state.maps_before, None)}")
        state.save()

    def _learn(
        self, state: State, number: int, start: Path, chosen: Int64, labels: Int64
    ) -> tuple[float, float, MapQuality]:
        """Train on the groups and write the round's model.

        Returns the last epoch's loss, the share of what was learned that the model keeps, and the
        worth of its maps. Where they have fallen, it keeps half as much.
        """
        job = self.job
        spec = self.old.spec
        book = grouped_book(self.book, chosen, labels)
        rendered = self._replayed(len(chosen), number)
        epochs = epochs_of(len(chosen) + len(rendered.people), job.epochs)
        recipe = adapting_recipe(spec, self.old.network.padding, epochs, job.rate)
        path, seed = state.training(number), job.seed * 1000 + number
        remove_leftovers(path)
        work = self._work(number)
        workers = default_workers(self.device.type) if job.workers is None else job.workers
        trainer = new_trainer(
            recipe,
            start,
            with_replay(book, before_surroundings(rendered, book, seed)),
            seed=seed,
            around=Surroundings(
                Team(device=self.device),
                workers,
                work.progress,
                self.cancel,
                lambda line: self.say(f"  {line}"),
            ),
            resume=path if path.is_file() else None,
        )
        try:
            trainer.run(path)
            share, maps = SHARE, self._averaged(state, number, start, trainer, book, rendered)
            if state.maps_before is not None and not maps.honest(state.maps_before):
                self.say(f"note: {FELL}; half as much of what was learned is kept")
                share = SHARE * SHARE
                maps = self._averaged(state, number, start, trainer, book, rendered)
        except Cancelled:
            how = " without --overwrite" if job.overwrite else ""
            raise Cancelled(
                f"stopped in round {number} of {job.rounds}; the same command{how} goes on "
                f"from {shown(job.folder)}"
            ) from None
        return float(trainer.history[-1]["loss"]), share, maps

    def _averaged(
        self,
        state: State,
        number: int,
        start: Path,
        trainer: Trainer,
        book: PictureCache,
        rendered: PictureCache,
    ) -> MapQuality:
        """Write the round's model, halfway between what it is now and the model in ``start``;
        returns the worth of its maps."""
        assert state.held_out is not None
        average_with_start(trainer, start, book, SHARE)
        whole = state.training(number).with_name(f"averaged-{number}.pth.tar")
        trainer.save(whole)
        correction = self._correction(whole, state.held_out, rendered, number)
        export_checkpoint(
            whole, state.model(number), half=False, correction=correction,
            mirrored=self.old.network.mirrored,
        )  # fmt: skip
        whole.unlink(missing_ok=True)
        return self._map_quality(state.model(number), number)

    def _replayed(self, pictures: int, number: int) -> PictureCache:
        """Rendered people to stand beside so many pictures."""
        return replayed_people(
            pictures,
            self.book.size,
            self.job.seed,
            without={ref.path for ref in self.people.refs},
            progress=self._work(number).progress,
            cancel=self.cancel,
        )

    def _correction(
        self, path: Path, held: Int64, rendered: PictureCache, number: int
    ) -> CameraCorrection | None:
        """What the cameras do to the maps of a model, from pictures that are not held out; None
        where too few have a camera. A correction that the model has is left out."""
        cameras = self.people.cameras.copy()
        cameras[held] = UNKNOWN
        places = pictures_to_fit(cameras, self.old.spec.channels)
        if not len(places):
            return None
        model, work = load_checkpoint(path, input_size=self.job.input_size), self._work(number)
        # The one that is measured takes the old one's place; mirrored pictures have their own.
        model.network.correction, model.network.mirrored = None, False
        # Beyond that many, pictures may come again.
        strangers = np.arange(min(len(rendered.people), MOST_PICTURES))
        found = fit_camera_correction(
            self._maps(model, places, work, "learning: cameras"),
            cameras[places],
            self._maps(model, strangers, work, "learning: cameras", rendered),
            step=work.raise_if_cancelled,
        )
        if found is not None:
            self.say(f"maps are corrected for {counted(found.cameras, 'camera')}")
        return found

    def _check(self, path: Path, held: Int64, number: int, stage: str = CHECK_STAGE) -> Checked:
        """The check of a round's model, with its gain over the old one."""
        if self._old_checked is None:  # of a run that was interrupted
            self._old_checked = self._checked(self.job.start, held, number)
        found = self._checked(path, held, number, stage)
        gain = gain_over(self._old_checked, found, self.people.cameras[held])
        return replace(found, check=replace(found.check, gain=gain))

    def _checked(self, path: Path, held: Int64, number: int, stage: str = CHECK_STAGE) -> Checked:
        model, maps = self._held_maps(path, held, number, stage)
        return self._measure(model, maps, held)

    def _held_maps(
        self, path: Path, held: Int64, number: int, stage: str
    ) -> tuple[Checkpoint, Float16]:
        """The model in ``path``, and its maps of the held-out pictures."""
        model = load_checkpoint(path, input_size=self.job.input_size)
        return model, self._maps(model, held, self._work(number), stage)

    def _map_quality(self, path: Path, number: int, stage: str = "checking: maps") -> MapQuality:
        work = self._work(number)
        return map_quality(path, self.job.device, self.job.input_size, work, stage)

    def _measure(self, model: Checkpoint, maps: Float16, held: Int64) -> Checked:
        return check_model(
            maps,
            model.matcher.affine(),
            self.people.cameras[held],
            self.pids[held],
            device=self.device,
            seed=self.job.seed,
        )

    # ── the end ─────────────────────────────────────────────────────────────────────────────────

    def _finish(self, state: State) -> AdaptationResult:
        job, rounds = self.job, tuple(state.rounds)
        before = state.before
        assert before is not None
        assert state.held_out is not None
        kept = self._best(state)
        source = job.start if kept == 0 else state.model(kept)
        mirrored = self._mirrored(state, kept) if kept and not self.old.network.mirrored else None
        result = AdaptationResult(
            job.out,
            kept,
            mirrored,
            before,
            state.maps_before,
            rounds,
            len(self.people),
            job.pictures.cameras,
            len(state.held_out),
            state.seconds,
        )
        averaged = mirrored if result.averages_mirrored else None
        state.may_replace = True
        state.save()
        export_checkpoint(
            source, job.out, adapted=self._record(result) if kept else None,
            mirrored=None if averaged is None else True,
            rescaled=None if averaged is None else Calibration(averaged.slope, averaged.shift),
        )  # fmt: skip
        if self.on_result is not None:
            self.on_result(result)
        state.remove()
        return result

    def _mirrored(self, state: State, kept: int) -> Mirrored:
        """The model of round ``kept`` with maps averaged with those of mirrored pictures, checked
        against the same model without."""
        assert state.before is not None
        assert state.held_out is not None
        one, last = state.rounds[kept - 1], max(1, len(state.learned))
        path = state.folder / "mirrored.pth.tar"
        export_checkpoint(state.model(kept), path, half=False, mirrored=True)
        checked = self._check(path, state.held_out, last, MIRRORED_STAGE)
        check, maps = checked.check, self._map_quality(path, last)
        self.say(f"mirrored pictures too: {words_of_check(check, one.check)}")
        self.say(f"mirrored pictures too: {words_of_maps(maps, one.maps)}")
        made = replace(one, check=check, maps=maps)
        helped = mirrored_help(one, made, state.before, state.maps_before)
        model, plain = self._held_maps(state.model(kept), state.held_out, last, MIRRORED_STAGE)
        logits = all_logits(plain, model.matcher.affine(), self.device)
        return Mirrored(check, maps, helped, *as_before(logits, checked.logits))

    def _record(self, result: AdaptationResult) -> dict[str, Any]:
        """What the checkpoint says of its adaptation."""
        job, spec, kept = self.job, self.old.spec, result.rounds[result.kept - 1]
        return {
            "from": job.name or job.start.name,
            "from_sha256": spec.sha256,
            "before": spec.adapted,
            "on": job.pictures.name,
            "pictures": result.pictures,
            "cameras": result.cameras,
            "rounds": result.kept if kept.learned else 0,
            "groups": kept.groups,
            "when": datetime.now(timezone.utc).date().isoformat(),
            "checks": [check.to_dict() for check in result.checks],
        }

    # ── pictures and maps ───────────────────────────────────────────────────────────────────────

    def _read_pictures(self) -> PictureCache:
        book = open_book(
            unlabelled(self.job.pictures),
            self.old.spec.input_size,
            memory=self.job.memory,
            ranks=2,  # the pictures in groups are copied for the training
            progress=self.progress,
            cancel=self.cancel,
        )
        if not len(book.people):
            raise DatasetError(f"{self.job.pictures.name}: not one picture can be read")
        return book

    def _maps(
        self,
        model: Checkpoint,
        places: Int64,
        work: WorkContext,
        stage: str,
        book: PictureCache | None = None,
    ) -> Float16:
        """Feature maps (n, C, h, w) of the pictures at ``places`` of ``book`` (None: those adapted
        to), as float16."""
        book = book or self.book
        runner = NetworkRunner(
            model.network.to(self.device), self.device, input_size=book.size,
            cancel=work.cancel,
        )  # fmt: skip
        spec = model.spec
        maps = np.empty((len(places), spec.channels, *spec.grid), dtype=np.float16)
        tracker = work.tracker(stage, len(places))
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            pixels = np.stack([book.picture(int(i)) for i in some]).transpose(0, 3, 1, 2)
            maps[start : start + len(some)] = runner.maps(np.ascontiguousarray(pixels))
            tracker.advance(len(some))
        return maps

    def _work(self, number: int) -> WorkContext:
        """Progress of a round, under its number."""
        report = self.progress
        if report is None:
            return WorkContext(None, self.cancel)

        def told(progress: Progress) -> None:
            report(replace(progress, stage=stage_of(number, self.job.rounds, progress.stage)))

        return WorkContext(told, self.cancel)


def _whole_groups(labels: Int64, places: Int64) -> frozenset[int]:
    """Numbers, from 1, of the groups whose pictures are all among ``places``."""
    inside = set(labels[places].tolist()) - {ALONE}
    outside = set(np.delete(labels, places).tolist())
    return frozenset(label + 1 for label in inside - outside)


def hold_out(grouping: Grouping, seed: int) -> Int64:
    """Places of the held-out pictures, ascending: whole groups, and as large a share of the rest.

    At least two groups stay to learn from.
    """
    labels = grouping.labels
    n = len(labels)
    least, most = HELD_LIMITS
    wanted = min(max(round(HELD_SHARE * n), min(least, n // 4)), most)
    share = wanted / max(n, 1)
    random = np.random.default_rng((seed, 17))
    held = np.zeros(n, dtype=np.bool_)
    sizes = np.bincount(labels[labels != ALONE], minlength=grouping.count)
    room = share * grouping.grouped
    for group in random.permutation(grouping.count)[: max(0, grouping.count - 2)]:
        if sizes[group] <= 1.5 * room:
            held |= labels == group
            room -= sizes[group]
    alone = np.flatnonzero(labels == ALONE)
    held[random.permutation(alone)[: round(share * len(alone))]] = True
    return np.flatnonzero(held)


def best_round(
    before: Check, rounds: tuple[Round, ...], maps_before: MapQuality | None = None
) -> int:
    """The round to keep, the first that is clearly better than the old model unless a later one is
    clearly better still; 0 where none is.

    Clearly better is a round whose gain (:func:`~qaconv_core.adaptation.checks.gain_over`) is more
    than :data:`CLEAR`, and whose held-out groups are not worth less by :data:`WORTH_LOST`. A later
    one has to be ahead by :data:`CLEAR` in both together: each round costs the maps something.
    Rounds whose maps have fallen do not count. Maps that are corrected for the cameras alone have
    forgotten nothing, so that any gain serves.
    """
    kept, ahead = 0, 0.0
    for one in rounds:
        found = _betterment(one, before)
        if _clearly_better(one, before, maps_before) and (not kept or found > ahead + CLEAR):
            kept, ahead = one.number, found
    return kept


def mirrored_help(
    one: Round, mirrored: Round, before: Check, maps_before: MapQuality | None
) -> bool:
    """Whether the model of the round ``one`` is to average its maps with those of mirrored
    pictures, checked as ``mirrored``.

    It is where neither maps nor groups are worth less than a round may cost, and the gain has not
    clearly fallen. Averaging forgets nothing, and helped other persons wherever that was measured
    (docs/adapting.md).
    """
    lost = (one.check.gain or 0.0) - (mirrored.check.gain or 0.0)
    return _bearable(mirrored, before, maps_before) and lost <= SEEMS_LOST


def as_before(before: Float32, after: Float32) -> tuple[float, float]:
    """Slope and shift that give logits ``after`` (n, n) mean and spread of those ``before``, over
    pairs of two pictures; (1, 0) where they tell nothing."""
    pairs = ~np.eye(len(before), dtype=bool)
    old, new = before[pairs].astype(np.float64), after[pairs].astype(np.float64)
    if len(old) < 2 or old.std() <= 0 or new.std() <= 0:
        return 1.0, 0.0
    slope = float(old.std() / new.std())
    return slope, float(old.mean() - slope * new.mean())


def _clearly_better(one: Round, before: Check, maps_before: MapQuality | None) -> bool:
    clear = CLEAR if one.learned else 0.0
    return _bearable(one, before, maps_before) and (one.check.gain or 0.0) > clear


def _bearable(one: Round, before: Check, maps_before: MapQuality | None) -> bool:
    """Whether neither the maps nor the held-out groups are worth much less than before."""
    honest = one.maps is None or maps_before is None or one.maps.honest(maps_before)
    return honest and before.worth - one.check.worth <= WORTH_LOST


def _betterment(one: Round, before: Check) -> float:
    return one.check.worth - before.worth + (one.check.gain or 0.0)


def agreement(labels: Int64, pids: Int64) -> float | None:
    """Normalised mutual information of groups and persons where both are known."""
    from sklearn.metrics import normalized_mutual_info_score

    known = (labels != ALONE) & (pids > 0)
    if len(np.unique(pids[known])) < 2:
        return None
    return float(normalized_mutual_info_score(pids[known], labels[known]))


def words_of_maps(maps: MapQuality, before: MapQuality | None) -> str:
    """What the strongest correspondences of rendered pairs connect, in one line."""
    names = (("part agreement", "parts"), ("background", "background"))
    parts = [
        _change(name, getattr(maps, field), None if before is None else getattr(before, field))
        for name, field in names
    ]
    return f"maps of rendered people: {', '.join(parts)}"


def _change(name: str, now: float | None, then: float | None) -> str:
    if now is None:
        return ""
    return f"{name} {now:.3f}" if then is None else f"{name} {then:.3f} → {now:.3f}"


def words_of_check(check: Check, before: Check | None) -> str:
    """The measures on the held-out pictures, in one line."""
    parts = [
        _change(name, getattr(check, field), None if before is None else getattr(before, field))
        for name, field in _MEASURES
    ]
    return f"{check.pictures:,} held-out pictures: " + ", ".join(part for part in parts if part)


def _ids(values: list[int | None]) -> Int64:
    return np.array([UNKNOWN if value is None else value for value in values], dtype=np.int64)


def _check_out(job: AdaptationJob) -> None:
    """Refuse what could not be written at the end, before the work and not after it."""
    from qaconv_core.files import check_output

    check_output(job.out)
    if not job.out.absolute().parent.is_dir():
        raise InputError(f"{shown(job.out)}: the folder for --out does not exist; make it first")
    if job.out.exists() and not job.overwrite and not may_replace(job.out):
        begun = "; what is begun beside it may not" if (job.folder / STATE_FILE).exists() else ""
        raise InputError(f"{shown(job.out)}: is there already; --overwrite replaces it{begun}")
    if job.rounds < 1 or job.epochs < 1:
        raise InputError("rounds and epochs must be at least 1")
