"""Explore and Evaluate share stored maps where those are at least as good as what is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.jobs import engine
from app.jobs.evaluation_jobs import EvaluationJobs
from app.jobs.job import JobContext
from app.state.evaluation import EvaluationRequest, SetChoice
from app.state.workspace import Workspace
from app.views.evaluate.request_form import _details
from qaconv_core import device
from qaconv_core.progress import CancelToken
from tests.app.real import tiny_market, tiny_model


@pytest.fixture
def world(tmp_path, own_folders, monkeypatch):
    """(open set, the fast model, evaluation of the same): on a processor that knows bfloat16."""
    monkeypatch.setattr(device, "cpu_knows_bfloat16", lambda: True)
    context = JobContext(lambda _: None, CancelToken())
    request, checkpoint = tiny_market(tmp_path), tiny_model(tmp_path)
    model = engine.inspect_model(replace(checkpoint, precision="fast"), context).model
    data = engine.open_set(engine.inspect_data(request, context).dataset)
    choice = SetChoice("market", "market", request.root)
    return context, model, data, EvaluationRequest(choice, checkpoint.path, "cpu")


def pictures(data):
    return [*data.gallery, *data.query]


def test_explore_uses_maps_that_evaluate_stored(world):
    context, model, data, request = world
    EvaluationJobs().run(request, context)
    search = engine.search_partly(model, data, (), context)
    assert (model.precision, search.model.precision) == ("bfloat16", "float32")
    store = engine.feature_store()
    assert model.count_stored(store, pictures(data)) == 0
    assert search.model.count_stored(store, pictures(data)) == len(pictures(data))
    search.close()


def test_evaluate_says_that_maps_of_explore_are_too_coarse(world):
    context, model, data, request = world
    search = engine.search_partly(model, data, (), context)
    assert search.model.precision == "bfloat16"
    search.close()
    jobs = EvaluationJobs()
    before = jobs.forecast([request], context).sets
    assert (before[0].stored, before[0].unused) == (0, "bfloat16")
    words = "Maps are computed again in float32: Explore's are bfloat16."
    assert words in _details(before)
    assert "float32" not in jobs.run(request, context).report.protocol.preprocessing
    after = jobs.forecast([request], context).sets
    assert (after[0].stored, after[0].unused) == (len(pictures(data)), "")
    assert words not in _details(after)


def test_a_part_of_the_better_maps_is_not_enough(world):
    _, model, data, _ = world
    exact, store = model.in_precision("float32"), engine.feature_store()
    with exact.open_shelf(store) as shelf:
        exact.extract_set(data.gallery, shelf=shelf)
    assert model.with_stored_maps(store, list(data.gallery)).precision == "float32"
    assert model.with_stored_maps(store, pictures(data)) is model


def test_the_workspace_says_what_the_maps_in_use_were_computed_in():
    space, heard = Workspace(), []
    space.model_changed.connect(lambda: heard.append(space.map_precision))
    space.set_map_precision("float32")
    space.set_map_precision("float32")
    assert heard == ["float32"]
