"""What two processes do in the tests: train, stop, resume; each says what came of it.

``python run_two.py FOLDER``: FOLDER holds the tiny people as ``set`` and receives ``RECIPE.json``,
written by the first process. The second one is its copy, made once all modules are there: loading
them takes longer than most of the work. Both find in the environment what ``torchrun`` says to its
processes (``run_train.py`` is started by that itself).
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import torch

from qaconv_core.data import open_dataset
from qaconv_core.errors import Cancelled
from qaconv_core.extraction.network_runner import NetworkRunner
from qaconv_core.models.inference import _without_hooks
from qaconv_core.progress import CancelToken
from qaconv_core.training.distributed import Team, team
from qaconv_core.training.people import join_training_sets
from qaconv_core.training.pictures import open_book
from qaconv_core.training.trainer import Trainer
from tests.core.training.tiny import SIZE, tiny_recipe, tiny_trainer


def state(trainer: Trainer) -> torch.Tensor:
    """All that was learned, as one vector."""
    modules = (trainer.network, trainer.criterion)
    return torch.cat([p.detach().flatten() for m in modules for p in m.parameters()])


def farthest(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference of two vectors."""
    return float((one - other).abs().max())


def stopped_and_resumed(recipe, book, crew: Team, path: Path) -> Trainer:
    """A training that the first process alone is asked to stop after its first batch."""
    token = CancelToken()

    def stop(progress) -> None:
        if progress.stage.startswith("epoch") and progress.message:
            token.cancel()

    first = tiny_trainer(recipe, book, team=crew, progress=stop, cancel=token)
    try:
        first.run(path)
        raise AssertionError("was not stopped")
    except Cancelled:
        torch.distributed.barrier()
    second = tiny_trainer(recipe, book, seed=7 + crew.rank, team=crew)
    second.restore(path)
    second.run()
    return second


class _Found(Exception):
    """A gradient that is not zero."""


def first_gradient(recipe, book, crew: Team) -> torch.Tensor:
    """The first gradient that is not zero (v1 remembers a batch first), before it is clipped."""
    trainer, kept = tiny_trainer(recipe, book, team=crew), []

    def keep() -> bool:
        modules = (trainer.network, trainer.criterion)
        gradients = [p.grad for m in modules for p in m.parameters() if p.grad is not None]
        kept.append(torch.cat([g.flatten().clone() for g in gradients]))
        if kept[-1].any():
            raise _Found
        return clip()

    clip = trainer._clip
    trainer._clip = keep  # type: ignore[method-assign]
    with suppress(_Found):
        trainer.run()
    assert kept[-1].any()
    return kept[-1]


@contextmanager
def in_double() -> Iterator[None]:
    """All arithmetic of a training in float64; features that it asks for are those of float32."""
    single, init, maps = torch.Tensor.float, NetworkRunner.__init__, NetworkRunner.maps

    def set_to(double: bool) -> None:
        torch.Tensor.float = torch.Tensor.double if double else single  # type: ignore[method-assign]
        torch.set_default_dtype(torch.float64 if double else torch.float32)

    def in_single(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            set_to(False)
            try:
                return function(*arguments, **named)
            finally:
                set_to(True)

        return call

    def init_in_single(runner: NetworkRunner, network: Any, *options: Any, **named: Any) -> None:
        copied = _without_hooks(network).to(torch.float32)
        in_single(init)(runner, copied, *options, **named)

    set_to(True)
    NetworkRunner.__init__ = init_in_single  # type: ignore[method-assign]
    NetworkRunner.maps = in_single(maps)  # type: ignore[method-assign]
    try:
        yield
    finally:
        set_to(False)
        NetworkRunner.__init__, NetworkRunner.maps = init, maps  # type: ignore[method-assign]


def random_head(book, crew: Team) -> dict[str, float]:
    """How far an epoch of two processes is from one's, with the random head of v2.0.

    In float32 rounding decides now and then which of two cells that are about equally good learns,
    and a random head makes much of that: after six steps 1e-3. In float64 no such pair is met, so
    that the arithmetic itself is compared.
    """
    recipe = replace(
        tiny_recipe("v2.0", batch_size=4, epochs=1, gs_pre_epochs=1), frozen_norms=True
    )
    assert not recipe.even_head
    with in_double():
        trainers = [tiny_trainer(recipe, book, team=team) for team in crews(crew)]
        for trainer in trainers:
            trainer.run()
        return {"alone": farthest(state(trainers[0]), state(trainers[-1]))}


def crews(crew: Team) -> list[Team]:
    """Both processes, and in the first of them, which tells of it, it alone."""
    return [crew, Team()] if crew.leads else [crew]


def report(name: str, book, crew: Team, folder: Path) -> dict[str, float]:
    """How far two processes, two parts of a run, and one process alone are from each other."""
    recipe = tiny_recipe(name, epochs=2, batch_size=4)
    whole = tiny_trainer(recipe, book, team=crew)
    whole.run()
    parts = stopped_and_resumed(recipe, book, crew, folder / f"{name}.pth.tar")
    mine = state(whole)
    theirs = crew.gather(mine[None])
    assert theirs is not None
    frozen = replace(recipe, frozen_norms=True, epochs=1)
    gradients = [first_gradient(frozen, book, team) for team in crews(crew)]
    both, alone = gradients[0], gradients[-1]
    return {
        "ranks": farthest(theirs[0], theirs[1]),
        "resumed": farthest(mine, state(parts)),
        "epochs": parts.epoch,
        "alone": float((both - alone).norm() / alone.norm()),
    }


def work(place: Path) -> None:
    """All that is done and told."""
    people = join_training_sets([open_dataset("market", place / "set")])
    with team("cpu") as us:
        pictures = open_book(people, SIZE, workers=0)
        found = random_head(pictures, us)
        if us.leads:
            (place / "v2.0.json").write_text(json.dumps(found))
        for which in ("v1", "v2.1", "scratch"):
            found = report(which, pictures, us, place)
            if us.leads:
                (place / f"{which}.json").write_text(json.dumps(found))


def in_two(job: Callable[[], None]) -> int:
    """Do a job in this process and in a copy of it, as the members of one team; the exit status."""
    for name in ("torch._dynamo", "sklearn.linear_model"):  # what trainings load later on
        importlib.import_module(name)
    # They meet at a store that is there before them, as under torchrun.
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    os.environ |= {
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "WORLD_SIZE": "2",
    }
    other = os.fork()
    os.environ["RANK"] = "0" if other else "1"
    if not other:
        end_with(job)
    try:
        job()
    except BaseException:
        os.kill(other, signal.SIGKILL)
        raise
    return int(os.waitpid(other, 0)[1] != 0)


def end_with(job: Callable[[], None]) -> NoReturn:
    """Do a job and end this copy, without the exit of the process that it was copied from."""
    try:
        job()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(in_two(lambda: work(Path(sys.argv[1]))))
