"""Opening a checkpoint: what was read from it comes first, and a wrong file changes nothing."""

from __future__ import annotations

import threading

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLabel

from app.jobs import engine
from app.jobs.controller import Controller
from app.jobs.engine import LoadedModel
from app.jobs.inspections import MODEL
from app.state.requests import ModelRequest
from app.state.workspace import Workspace
from app.views.dialogs.open_model import OpenModelDialog, facts_of
from qaconv_core import device
from tests.app.samples import sample_model
from tests.checkpoints import published_checkpoint, write_checkpoint


@pytest.fixture
def controller(runner):
    return Controller(Workspace(), runner)


@pytest.fixture
def dialog(qtbot, controller):
    made = OpenModelDialog(controller)
    qtbot.addWidget(made)
    made.show()
    return made


def type_path(dialog, path) -> None:
    dialog.path.setFocus()
    dialog.path.selectAll()
    QTest.keyClicks(dialog.path, str(path))
    QTest.keyClick(dialog.path, Qt.Key_Return)


def facts_on(dialog) -> str:
    return "\n".join(label.text() for label in dialog.facts.findChildren(QLabel))


def idle(qtbot, dialog):
    qtbot.waitUntil(lambda: not dialog._jobs.has(MODEL), timeout=20_000)


def test_facts_name_all_that_was_read():
    facts = dict(facts_of(sample_model()))
    assert facts["Architecture"] == "ResNet-18, IBN-b"
    assert facts["Head"] == "shared (2.1)"
    assert facts["Grid"] == "6×3 cells, 128 channels"
    assert facts["Input"] == "96×48 pixels (height × width)"
    assert facts["Trained"] == "epoch 8"
    assert facts["SHA-256"] == "not known"
    assert facts["Feature maps"] == "computed in float32"


def test_the_bundled_model_is_shown_then_used(qtbot, controller, dialog, monkeypatch):
    monkeypatch.setattr(device, "cpu_knows_bfloat16", lambda: True)
    opened = []
    dialog.opened.connect(opened.append)
    QTest.mouseClick(dialog.bundled, Qt.LeftButton)
    idle(qtbot, dialog)
    assert controller.workspace.model is None, "looking uses nothing"
    words = facts_on(dialog)
    for part in ("EfficientNet-Lite0", "layer3", "shared", "12×6 cells", "192×96", "epoch",
                 "computed in bfloat16"):  # fmt: skip
        assert part in words
    assert not dialog.size_row.isVisible()
    QTest.mouseClick(dialog.use_button, Qt.LeftButton)
    assert not dialog.isVisible()
    assert opened == [ModelRequest()]
    assert controller.model.precision == "bfloat16"
    assert controller.workspace.model.spec.arch == "efficientnet_lite0"
    assert controller.model_request == ModelRequest()


@pytest.mark.parametrize("content", [b"just words, no checkpoint", b"", b"PK\x03\x04 half a zip"])
def test_a_wrong_file_is_one_sentence_and_changes_nothing(
    qtbot, controller, dialog, tmp_path, content
):
    told = []
    controller.runner.problem.connect(told.append)
    controller.workspace.set_model(sample_model())
    file = tmp_path / "notes.pth"
    file.write_bytes(content)
    type_path(dialog, file)
    idle(qtbot, dialog)
    assert "notes.pth" in dialog.message.text()
    assert "\n" not in dialog.message.text()
    assert not dialog.use_button.isEnabled()
    assert not dialog.size_row.isVisible()
    assert controller.workspace.model == sample_model()
    assert told == [], "the dialog has said it"
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert controller.workspace.model == sample_model()


def test_height_and_width_are_asked_for_only_when_they_are_needed(qtbot, dialog, tmp_path):
    content = published_checkpoint("v2.1", neck=128)
    head = content["criterion"]
    head["matcher.fc.weight"] = head["matcher.fc.weight"][:, : 16 * 8].clone()  # 256×128 pixels
    file = write_checkpoint(tmp_path / "small.pth.tar", content)
    type_path(dialog, file)
    idle(qtbot, dialog)
    assert dialog.size_row.isVisible()
    assert "height and width above" in dialog.message.text()
    dialog.height_box.setValue(256)
    QTest.mouseClick(dialog.read_again, Qt.LeftButton)
    idle(qtbot, dialog)
    assert "16×8 cells" in facts_on(dialog), dialog.message.text()
    assert dialog.request == ModelRequest(str(file), "auto", (256, 128))
    dialog.choose("demo")
    assert not dialog.size_row.isVisible(), "another file is read without a size first"
    idle(qtbot, dialog)


def test_a_device_that_is_not_there_is_said(qtbot, dialog):
    dialog.choose("demo")
    idle(qtbot, dialog)
    dialog.device.setFocus()
    dialog.device.lineEdit().selectAll()
    QTest.keyClicks(dialog.device.lineEdit(), "abacus")
    QTest.keyClick(dialog.device.lineEdit(), Qt.Key_Return)
    idle(qtbot, dialog)
    assert "abacus" in dialog.message.text()
    assert not dialog.use_button.isEnabled()


def test_a_late_answer_is_dropped(qtbot, controller, dialog, monkeypatch):
    go = threading.Event()

    def load(request, context):
        if request.path.endswith("slow.pth"):
            go.wait(5)
        return LoadedModel(request, object(), sample_model())

    monkeypatch.setattr(engine, "inspect_model", load)
    dialog.choose("/slow.pth")
    dialog.choose("/quick.pth")
    go.set()
    idle(qtbot, dialog)
    qtbot.waitUntil(lambda: not controller.runner.busy, timeout=5000)
    assert dialog._loaded.request.path == "/quick.pth"


def test_cancel_keeps_the_model_and_lets_the_network_go(qtbot, controller, dialog, monkeypatch):
    monkeypatch.setattr(
        engine, "inspect_model", lambda r, c: LoadedModel(r, object(), sample_model())
    )
    dialog.choose("demo")
    idle(qtbot, dialog)
    QTest.keyClick(dialog, Qt.Key_Escape)
    assert controller.workspace.model is None
    assert dialog._loaded is None
