from PyQt5.QtCore import Qt

from tests.app.real import press, settled


def test_x(qtbot, window):
    space = window.workspace
    model = window.explore.results.model
    window.explore.results.view.setFocus()
    window.explore.results.header.hides["hide_decided"].click()
    order = space.ranking.order.tolist()
    for key, name in (
        (Qt.Key_Y, "Y"),
        (Qt.Key_R, "R"),
        (Qt.Key_U, "U"),
        (Qt.Key_Y, "Y"),
        (Qt.Key_R, "R"),
    ):
        before = len(space.decided)
        c = space.selection.candidate
        press(window, key)
        qtbot.waitUntil(lambda: len(space.decided) > before or c in space.decided, timeout=5000)
        settled(qtbot, window)
        qtbot.wait(200)
        print(
            name,
            "decided",
            order.index(c),
            "now",
            order.index(space.selection.candidate),
            model.rowCount(),
            window.explore.results.note.text(),
            space.auto_selected,
        )
        press(window, Qt.Key_Right)
        settled(qtbot, window)
        print("  right ->", order.index(space.selection.candidate))
    assert 0
