"""The rankings of one query by two runs, or by two methods of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.jobs import engine
from app.jobs.evaluation_jobs import request_of_run
from app.jobs.job import JobContext
from app.state.requests import ModelRequest
from app.state.run_comparison import RunResult
from qaconv_core.errors import InputError
from qaconv_core.types import RankingResult

if TYPE_CHECKING:
    from qaconv_core.galleries.search import GallerySearch


def both_rankings(
    matching: GallerySearch, query: int, results: tuple[RunResult, RunResult], context: JobContext
) -> tuple[RankingResult, RankingResult]:
    """A query of the open set ranked as in both results, in a worker thread.

    Raises :class:`InputError` where a run's scores are not there any more.
    """
    first, second = (ranking_of(matching, query, result, context) for result in results)
    return first, second


def ranking_of(
    matching: GallerySearch, query: int, of: RunResult, context: JobContext
) -> RankingResult:
    """By the open model where it is the run's, else by the run's checkpoint, loaded again."""
    method, sha256 = of.result.method, of.run.report.checkpoint.sha256
    if sha256 is None:
        raise InputError(f"{of.title}: was made of saved scores; there is no model to rank by")
    if sha256 == matching.model.spec.sha256:
        return matching.rank((query,), method, cancel=context.cancel)
    if method != "qaconv":
        raise InputError(
            f"{of.title}: by another checkpoint than the open one only plain QAConv can be ranked "
            "again; open that checkpoint to see its other methods"
        )
    checkpoint = request_of_run(of.run).checkpoint
    model, _info = engine.load_model(ModelRequest(checkpoint), context)
    if model.spec.sha256 != sha256:
        raise InputError(f"{of.title}: its checkpoint {model.spec.path} is another file by now")
    data = matching.data
    other = engine.search_partly(model, data, (query,), context)
    try:
        # Pictures that cannot be read any more would change what indices mean.
        if other.data.gallery.paths != data.gallery.paths:
            raise InputError(f"{of.title}: some pictures cannot be read by its model")
        place = other.data.query.paths.index(data.query[query].path)
        return other.rank((place,), cancel=context.cancel)
    finally:
        other.close()
