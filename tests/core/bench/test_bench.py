"""The baselines of ``qaconv bench`` are right, and a run gives a whole record."""

from __future__ import annotations

import json
import math
import mmap
import os
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from qaconv_core.bench import busy, evaluation, features, large, machine, rivals, scoring
from qaconv_core.bench import suite as suite_module
from qaconv_core.bench.aims import DEMO, aims_of
from qaconv_core.bench.busy import AS_IT_COMES, SHORT, load_words
from qaconv_core.bench.others import OtherPrograms
from qaconv_core.bench.page import BEGIN, END, merged
from qaconv_core.bench.parts import PARTS
from qaconv_core.bench.plain import (
    dense_rerank,
    plain_features,
    plain_logits,
    plain_metrics,
    plain_tlift,
)
from qaconv_core.bench.progress_plan import ProgressPlan
from qaconv_core.bench.report import aim_words, aims_line, all_aims
from qaconv_core.bench.samples import (
    people_maps,
    random_maps,
    sample_distances,
    sample_matcher,
    sample_ranking,
)
from qaconv_core.bench.timing import (
    Figure,
    Timing,
    extra_memory,
    in_child,
    stoppable,
    take_turns,
)
from qaconv_core.cli import main
from qaconv_core.data.transforms import to_pixels
from qaconv_core.errors import Cancelled
from qaconv_core.evaluation import ranking_metrics
from qaconv_core.extraction.features import extract_arrays
from qaconv_core.matching.scores import score_maps
from qaconv_core.model import load_model
from qaconv_core.models.backbone import FeatureNetwork
from qaconv_core.progress import CancelToken
from qaconv_core.ranking import k_reciprocal_rerank, temporal_lift
from tests import oracles
from tests.builders import write_picture

TINY = suite_module.Suite(
    repeats=1,
    galleries=40,
    gallery_steps=(20, 40),
    grids=((2, 2), (3, 2)),
    channels=(8, 16),
    pairs=(2, 40),
    ranking=(20, 60),
    rerank=(40, 60),
    rerank_on_disk=(6, 40),
    large_gallery=60,
    pictures=4,
    evaluation=(5, 30),
    evaluation_steps=(12, 24),
    demo=False,
    name="tiny",
)


@pytest.mark.parametrize("make", [people_maps, random_maps])
def test_the_plain_formulation_gives_the_engines_logits(make):
    maps = make(50, 16, (4, 3))
    np.testing.assert_allclose(np.linalg.norm(maps.astype(float), axis=1), 1, atol=2e-3)
    matcher = sample_matcher((4, 3))
    floats = torch.from_numpy(maps).float()
    expected = score_maps(maps[:3], maps, matcher.affine())
    for portion in (7, 50):
        found = plain_logits(matcher, floats[:3], floats, portion)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_kernels_of_others_called_twice_give_the_engines_logits(monkeypatch):
    def maxsim(query, gallery):
        return torch.einsum("psc,grc->pgsr", query, gallery).amax(3).sum(2)

    monkeypatch.setitem(sys.modules, "flash_maxsim", SimpleNamespace(flash_maxsim_batched=maxsim))
    monkeypatch.setitem(sys.modules, "late_interaction_kernels", SimpleNamespace())
    assert list(rivals.installed()) == ["flash-maxsim, twice"]
    maps, head = people_maps(9, 16, (4, 3)), sample_matcher((4, 3)).affine()
    cells = torch.from_numpy(maps).float().flatten(2).transpose(1, 2)
    weights = tuple(torch.from_numpy(w).float() for w in (head.query_weights, head.gallery_weights))
    job = rivals.two_way(maxsim, cells[:2], cells, weights, head.bias)
    np.testing.assert_allclose(job(), score_maps(maps[:2], maps, head), rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="negative weights"):
        rivals.two_way(maxsim, cells, cells, (-weights[0], weights[1]), 0.0)


def test_the_loops_give_what_the_oracles_and_the_engine_give():
    s = sample_ranking(25, 90)
    labels = (s.query_ids, s.gallery_ids, s.query_cams, s.gallery_cams)
    cmc, mean = plain_metrics(s.dist, *labels)
    measured = ranking_metrics(s.dist, *labels)
    assert mean == pytest.approx(measured.mAP)
    np.testing.assert_allclose(cmc[:50], measured.cmc)
    known = (s.query_cams, s.gallery_cams, s.query_times, s.gallery_times)
    lifted = plain_tlift(1 - s.dist, *known)
    np.testing.assert_allclose(lifted, temporal_lift(1 - s.dist, *known), atol=1e-6)
    np.testing.assert_allclose(lifted, oracles.tlift(1 - s.dist, *known), atol=1e-6)


def test_dense_re_ranking_gives_the_oracles_distances():
    d = sample_distances(60)
    parts = (d[:10, 10:], d[:10, :10], d[10:, 10:])
    found = dense_rerank(*parts)
    np.testing.assert_allclose(found, k_reciprocal_rerank(*parts), atol=2e-6)
    np.testing.assert_allclose(found, oracles.k_reciprocal(*parts), atol=2e-6)


def test_the_plain_loop_gives_the_models_features(tmp_path):
    for number in range(3):
        write_picture(tmp_path / f"{number}.png", number)
    paths = sorted(tmp_path.iterdir())
    network = FeatureNetwork("resnet18", layer="layer2", neck=16).eval()
    found = plain_features(network, paths, (64, 32), 2)
    assert found.shape == (3, 16, 8, 4)
    np.testing.assert_allclose(
        found, extract_arrays(network, paths, input_size=(64, 32)), atol=1e-5
    )
    assert features.grey_levels(paths, (64, 32)) == 0
    assert features.grey_levels(paths, (40, 20)) == 0


def test_grey_levels_tell_of_another_resizing(tmp_path, monkeypatch):
    path = write_picture(tmp_path / "a.png", 1)
    monkeypatch.setattr(
        features, "to_pixels", lambda image, size: to_pixels(image, size) ^ np.uint8(4)
    )
    assert features.grey_levels([path], (64, 32)) == 4


def test_some_pictures_are_queries_and_what_they_look_for():
    pictures = features.demo_pictures(12)
    assert (len(pictures.query), len(pictures.gallery)) == (3, 9)
    assert set(pictures.gallery.pids) <= set(pictures.query.pids)
    assert len(features.demo_pictures(10**6)) == DEMO


def test_a_precision_is_measured_beside_float32(monkeypatch):
    pictures = features.demo_pictures(4)
    model = load_model("demo", "cpu", precision="float32")
    exact, other = features.compared({"float32": model, "bfloat16": model}, pictures, 1)
    assert exact.flop > 4 * 1e8, "some two hundred million products a picture"
    assert list(other.baselines)[-1] == "features, float32"
    assert other.facts["change_of_mAP"] == 0
    assert other.facts["largest_change_of_a_logit"] == 0
    assert other.facts["mAP"] == exact.facts["mAP"] > 0
    whole = replace(other, sizes={"pictures": DEMO}, facts={"change_of_mAP": 0.002})
    assert [aim.met for aim in aims_of(whole, {})] == [False]


def test_competitors_take_turns_after_a_warm_up():
    calls = []
    timings = take_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b", "a", "b", "b", "a"]
    assert len(timings["a"].seconds) == 2


def test_a_figure_tells_ratios_and_the_share_of_the_peak():
    figure = Figure("x", {}, Timing((2.0, 1.0, 4.0)), {"y": Timing((8.0,))}, flop=4e9, peak="p")
    record = figure.to_dict({"p": 8.0})
    assert record["baselines"]["y"]["ratio"] == 4
    assert record["gflops"] == 2
    assert record["share_of_peak"] == 0.25
    assert record["timing"] == {"median": 2, "least": 1, "most": 4, "runs": [2, 1, 4]}


@pytest.mark.skipif(not hasattr(mmap, "MAP_PRIVATE"), reason="no private memory to ask for")
def test_extra_memory_sees_what_was_taken():
    def work():
        # From the system itself: an array may lie where others of the tests have been.
        with mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as taken:
            for start in range(0, len(taken), mmap.PAGESIZE):
                taken[start] = 1
            time.sleep(0.5)  # long enough to be looked at on a busy machine

    found = extra_memory(work)
    if found is None:
        pytest.skip("this system does not tell")
    assert 32 << 20 < found < 96 << 20


def test_a_child_is_another_process():
    assert in_child(os.getpid) != os.getpid()


@pytest.fixture
def tiny(monkeypatch):
    """Small sizes, and no process for each measurement of memory: most of the time."""
    monkeypatch.setattr(suite_module, "QUICK", TINY)
    monkeypatch.setattr(machine, "_SIZE", 64)
    monkeypatch.setattr(machine, "_BYTES", 1 << 16)
    monkeypatch.setattr(scoring, "in_child", lambda work, *arguments: work(*arguments))
    monkeypatch.setattr(large, "LIMITS", replace(large.LIMITS, shortlist=30))
    monkeypatch.setattr(busy, "_SETTLE", 0)
    begin = busy.subprocess.Popen

    def popen(command, **more):
        """The processes that measure beside busy programs are real, their works small."""
        small = SMALL_WORKS if "serve()" in command[2] else ""
        return begin([*command[:2], small + command[2], *command[3:]], **more)

    monkeypatch.setattr(busy.subprocess, "Popen", popen)


SMALL_WORKS = (
    "from qaconv_core.bench import busy\n"
    "busy.SCORED, busy.TRAINED, busy.LOOKED_AT = (2, 8), (2, 2), 2\n"
)


def test_types_that_the_processor_only_imitates_are_no_peaks(monkeypatch, tiny):
    monkeypatch.setattr(machine, "_int8", lambda: None)
    for known in (True, False):
        monkeypatch.setattr(machine, "cpu_knows_bfloat16", lambda known=known: known)
        peaks = machine.measure_peaks(torch.device("cpu"))
        assert ("bfloat16" in peaks) is known
        assert {"float32", "memory"} <= peaks.keys()


def fast(monkeypatch, known):
    """The processor has fast 8-bit products, or not, as far as evaluations ask."""
    for module in (evaluation, suite_module):
        monkeypatch.setattr(module, "fast_bytes", lambda channels: known)


def test_a_run_prints_and_saves_everything(tmp_path, tiny, capsys, monkeypatch):
    fast(monkeypatch, True)
    json_file, figure_file, page = (tmp_path / name for name in ("b.json", "b.svg", "page.md"))
    page.write_text(f"# Speed\n\nwhy\n\n{BEGIN}\nold\n{END}\nafter\n")
    options = ["--quick", "--json", str(json_file), "--figure", str(figure_file)]
    options += ["--write", str(page), "--work-dir", str(tmp_path)]
    assert main(["bench", *options]) == 0
    record = json.loads(json_file.read_text())
    assert record["machine"]["versions"]["torch"]
    assert record["peaks"]["float32"] > 0
    assert record["left_out"] == []
    maps = record["parts"]["features of pictures"][0]
    assert maps["sizes"]["pictures"] == 4
    assert list(maps["baselines"]) == ["plain, 1 at a time", "plain, 64 at a time"]
    assert maps["facts"]["grey_levels_beside_PIL"] == 0
    searched = record["parts"]["one query"][0]
    assert searched["facts"]["head_is_exact"] is True
    assert "plain, 32 at a time" in searched["baselines"]
    recall = record["parts"]["through a shortlist"][0]["facts"]["recall_of_the_exact_20"]
    assert list(recall) == ["20"]
    assert len(record["parts"]["growth with the grid"]) == 4
    assert [len(f["baselines"]) for f in record["parts"]["re-ranking"]] == [1, 1]
    evaluated = record["parts"]["evaluation from estimates"]
    assert [f["facts"]["same_measures"] for f in evaluated] == [True, True, True]
    assert all("float32 throughout" in f["baselines"] for f in evaluated)
    assert all(f["facts"]["estimates"] == "8-bit integers" for f in evaluated)
    captured = capsys.readouterr()
    assert "× plain, 32 at a time" in captured.out
    assert "measuring: 1 of 15: features of pictures; about 23 min left" in captured.err
    assert figure_file.stat().st_size > 1000
    text = page.read_text()
    assert text.startswith("# Speed\n\nwhy\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "| one query, searched |" in text
    assert "**re-ranking**" in text
    names = ["b.json", "b.svg", "page.json", "page.md"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_large_parts_run_when_named_and_join_the_page(tmp_path, tiny, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    common = ["bench", "--quick", "--write", str(page), "--work-dir", str(tmp_path), "--only"]
    assert main([*common, "re-ranking-on-disk,evaluation-growth,million"]) == 0
    assert "through a shortlist of 30 of 60 pictures" in page.read_text()
    assert main([*common, "measures"]) == 0
    text = page.read_text()
    assert "re-ranking, distances on disk" in text
    assert "CMC, mAP, mINP" in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.json", "page.md"]
    capsys.readouterr()
    assert main(["bench", "--only", "speed"]) == 2
    assert "no such part on cpu; choose from features, " in capsys.readouterr().err
    page.write_text("no markers")
    assert main([*common, "measures"]) == 2
    assert f"needs the lines {BEGIN} and {END}" in capsys.readouterr().err
    assert main(["bench", "--work-dir", str(tmp_path / "none")]) == 2
    assert f"{tmp_path / 'none'}: is not a folder; --work-dir" in capsys.readouterr().err


def test_without_fast_8_bit_products_evaluations_are_those_of_float32(tmp_path, tiny, monkeypatch):
    fast(monkeypatch, False)
    json_file = tmp_path / "b.json"
    options = ["--quick", "--json", str(json_file), "--work-dir", str(tmp_path), "--only"]
    assert main(["bench", *options, "evaluation-estimates,evaluation-growth"]) == 0
    parts = json.loads(json_file.read_text())["parts"]
    for title in ("evaluation from estimates", "growth of an evaluation with re-ranking"):
        for figure in parts[title]:
            assert figure["name"].startswith("evaluation in float32")
            assert figure["peak"] == "float32"
            assert figure["facts"]["estimates"] == "none, for want of fast 8-bit products"
            assert list(figure["baselines"]) == [f"plain, {n} at a time" for n in scoring.PORTIONS]
    assert [f["sizes"]["maps"] for f in parts["evaluation from estimates"]] == ["people"] * 2


@pytest.mark.parametrize(
    ("budget", "done", "left_out"),
    [
        (math.inf, (10, 20, 40), None),
        (5 + 20 + 80, (10, 20, 40), None),
        (5 + 20 + 79, (10, 20), "40 pictures, beyond the 2 minutes given"),
        (24, (10,), "20 and 40 pictures, beyond the 0 minutes given"),
    ],
)
def test_growing_evaluations_end_in_time(monkeypatch, tmp_path, budget, done, left_out):
    clock = [100.0]

    def figure(sizes, folder, repeats, rerank):
        count = sizes.queries + sizes.galleries
        clock[0] += count**2 / 20
        return Figure("x", {"pictures": count}, Timing((count**3.0,)), facts={"cpu_seconds": 1.0})

    monkeypatch.setattr(evaluation, "evaluation_figure", figure)
    monkeypatch.setattr(evaluation, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    sizes = scoring.Sizes(1, 8, (2, 2))
    found = list(evaluation.growing_figures((10, 20, 40), tmp_path, sizes, budget))
    assert [f.sizes["pictures"] for f in found] == list(done)
    assert found[-1].facts.get("left_out") == left_out
    if len(done) > 1:
        assert found[-1].facts["exponent_of_the_time"] == pytest.approx(3)
    assert all("left_out" not in f.facts for f in found[:-1])


def test_an_interrupted_run_keeps_what_it_measured(tmp_path, tiny, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(suite_module, "tlift_figure", stop)
    json_file = tmp_path / "b.json"
    assert main(["bench", "--quick", "--only", "measures,tlift", "--json", str(json_file)]) == 130
    assert "what was measured so far is kept" in capsys.readouterr().err
    record = json.loads(json_file.read_text())
    assert list(record["parts"]) == ["CMC, mAP, mINP"]
    assert record["left_out"] == ["temporal lifting"]


def test_a_set_token_stops_between_two_runs():
    cancel, calls = CancelToken(), []

    def work():
        calls.append(1)
        cancel.cancel()

    with pytest.raises(Cancelled), stoppable(cancel):
        take_turns({"a": work}, 5)
    assert calls == [1]
    take_turns({"a": work}, 1)  # outside, nothing stops
    assert len(calls) == 3


def test_aims_are_met_or_not_at_the_size_they_are_set_for():
    sizes = {"galleries": 16000, "channels": 128, "grid": "24×8", "maps": "people"}
    slow = {"plain, a": Timing((9.0,)), "plain, b": Timing((7.0,)), "other": Timing((1.0,))}
    figure = Figure("one query, searched", sizes, Timing((1.0,)), slow, extra_bytes=400_000_000)
    found = [(aim.wanted, aim.found, aim.met) for aim in aims_of(figure, {})]
    assert found == [(8, 9, True), (8, 7, False), (300, 400, False)]
    assert (
        aims_of(Figure("one query, searched", sizes | {"galleries": 9}, Timing((1.0,))), {}) == []
    )
    market = {"queries": 3368, "galleries": 15913}
    measures = Figure("CMC, mAP, mINP", market, Timing((6.0,)))
    assert [aim.met for aim in aims_of(measures, {})] == [False]
    pictures = Figure(
        "re-ranking",
        {"pictures": 20000},
        Timing((1.0,)),
        {"dense": Timing((12.0,))},
        extra_bytes=10,
        baseline_bytes={"dense": 50},
    )
    assert [aim.met for aim in aims_of(pictures, {})] == [True, True]
    record = {"parts": {"x": [{"aims": [aim.to_dict() for aim in aims_of(figure, {})]}]}}
    assert aims_line(record) == "aims: 1 of 3 met"
    assert [row[-1] for row in map(aim_words, all_aims(record))] == ["met", "NOT MET", "NOT MET"]


def test_time_left_is_judged_by_what_was_done():
    told, now = [], [0.0]
    plan = ProgressPlan(["a", "b", "c"], [60, 120, 60], told.append, lambda: now[0])
    for _ in range(3):
        plan.begin()
        now[0] += 120  # twice as long as expected, then as long, then twice
    assert told == [
        "1 of 3: a; about 4 min left",
        "2 of 3: b; about 6 min left",
        "3 of 3: c; about 1 min left",
    ]


def test_a_new_run_replaces_the_parts_that_it_measured_on_the_same_device():
    def run(device, *titles):
        return {"machine": {"device": device}, "parts": {title: [] for title in titles}}

    old = [run("cpu", "a", "b"), run("gpu", "a")]
    found = merged(old, run("cpu", "a"))
    assert [(r["machine"]["device"], list(r["parts"])) for r in found] == [
        ("cpu", ["b"]),
        ("gpu", ["a"]),
        ("cpu", ["a"]),
    ]


def test_a_busy_machine_is_told_of_by_what_others_use():
    load = {"before": 9.0, "during": 9.0, "after": 2.0}  # of what has just ended
    told = "load average 9.0 before, 9.0 during, 2.0 after; other programs used 0.1 of 2 cores"
    assert load_words(load, 2, 0.1) == f"{told} while it measured"
    assert "busy" in load_words({"before": 0.1}, 2, 0.9)
    # Where the system does not tell what others use.
    idle = load_words({"before": 1.8, "during": 2.1, "after": 2.0}, 2)
    assert idle == "load average 1.8 before, 2.1 during, 2.0 after"
    assert "busy" in load_words({"before": 0.2, "during": 4.5, "after": 2.0}, 2)
    assert load_words({"before": None, "during": None, "after": None}, 2) == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_own_work_and_that_of_own_processes_is_not_of_others(tmp_path):
    """A made /proc: a core that all use, of which this process and its child used most."""
    ticks, pid = os.sysconf("SC_CLK_TCK"), os.getpid()
    core = min(os.sched_getaffinity(0))

    def write(all_seconds, own, child, other):
        counts = f"{all_seconds * ticks} 0 0 {99 * ticks} {9 * ticks} 0 0 0 5 0"
        (tmp_path / "stat").write_text(f"cpu  1 1 1 1\ncpu{core} {counts}\n")
        for number, parent, used in ((pid, 1, own), (90001, pid, child), (90002, 1, other)):
            (tmp_path / str(number)).mkdir(exist_ok=True)
            fields = ["S", str(parent), *["0"] * 9, str(used * ticks), "0", "0", "0"]
            (tmp_path / str(number) / "stat").write_text(f"{number} (a) b) {' '.join(fields)}\n")

    others = OtherPrograms(tmp_path)
    assert others.cores is None
    write(100, 10, 5, 50)
    with others.watched():
        write(112, 16, 9, 52)  # 12 seconds, of which 6 + 4 our own
    assert others._used == pytest.approx(2)
    (tmp_path / "stat").unlink()
    with others.watched():
        pass
    assert others.cores is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ones_own_work_is_not_of_others_on_this_machine(monkeypatch):
    others, everybody = OtherPrograms(), OtherPrograms()
    monkeypatch.setattr(everybody, "_own_ticks", lambda: 0)
    with everybody.watched(), others.watched():
        begun = time.monotonic()
        end = time.process_time() + 0.5
        while time.process_time() < end:
            sum(range(1000))
        seconds = time.monotonic() - begun
    # Whatever runs beside this, the half second of work is not among it.
    assert others.cores is not None
    assert (everybody.cores - others.cores) * seconds >= 0.45


def test_the_help_names_every_part(capsys):
    assert main(["bench", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    for part in PARTS:
        assert part.name in text
        assert not part.large or part.needs in text
    for part in PARTS:
        assert (part.name, part.device) in suite_module._MEASURES


def test_both_settings_are_measured_quiet_and_beside_busy_programs(monkeypatch):
    """Each setting reaches its own process; the share of the quiet rate follows from the runs."""
    kept = {name: value for name, value in os.environ.items() if name not in busy.WAITING}
    monkeypatch.setattr(os, "environ", kept | {"OMP_WAIT_POLICY": "PASSIVE"})
    works = [busy.FEATURES, busy.SCORING, busy.TRAINING, busy.FIRST, busy.NEXT]
    code = (
        "import json, os, sys\n"
        "assert 'OMP_WAIT_POLICY' not in os.environ\n"
        "slow = 1.0 if 'GOMP_SPINCOUNT' in os.environ else 3.0\n"
        f"works = {works}\n"
        "for _ in sys.stdin: print(json.dumps(dict.fromkeys(works, slow)), flush=True)"
    )
    begin = busy.subprocess.Popen

    def popen(command, **more):
        return begin([*command[:2], code, *command[3:]] if "stdin" in more else command, **more)

    monkeypatch.setattr(busy.subprocess, "Popen", popen)
    monkeypatch.setattr(busy, "_SETTLE", 0)
    quiet, beside, *others = busy.busy_figures(3, 2)
    assert quiet.name == "features, quiet"
    assert quiet.ratio(AS_IT_COMES) == 3
    assert len(quiet.timing.seconds) == 2
    assert beside.facts["share_of_the_quiet_rate"] == {SHORT: 1, AS_IT_COMES: 1}
    assert [aim.met for aim in aims_of(beside, {})] == [True]
    assert [figure.name for figure in others] == [
        name for work in works[1:] for name in (f"{work}, quiet", f"{work} beside 2 busy programs")
    ]


def test_what_is_measured_beside_busy_programs_can_be_done():
    """Each kind of work is made ready, done twice and ended."""
    before = threading.active_count()
    for name, prepared in busy._works(2).items():
        for _ in range(2):
            with prepared() as work:
                work()
        assert threading.active_count() == before, name
