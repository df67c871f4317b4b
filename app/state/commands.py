"""The one table of commands: menus, toolbar, shortcuts, palette and the sheet of keys come from it.

A command is a name, words and keys; what it does is bound where the views are put together
(:mod:`app.views.widgets.actions`). A test holds that each is bound and that no key is used twice.
"""

from __future__ import annotations

from dataclasses import dataclass

HELP = "Read what it does, how, and what it does not say."
MENUS = ("File", "Edit", "Query", "Candidate", "Match", "Evaluate", "View", "Help")


@dataclass(frozen=True)
class Command:
    """Something a person can do.

    ``id`` is a dotted name, ``title`` the words in menu and palette, ``menu`` one of
    :data:`MENUS`, ``keys`` shortcuts in Qt's portable notation, ``tip`` one sentence that
    explains it, ``icon`` a name of the icon set, ``checkable`` whether it is on or off. A new
    ``group`` in a menu starts with a line.
    """

    id: str
    title: str
    menu: str
    keys: tuple[str, ...] = ()
    tip: str = ""
    icon: str = ""
    checkable: bool = False
    group: int = 0


def _command(
    id: str, title: str, menu: str, keys: str = "", tip: str = "", **more: object
) -> Command:
    return Command(id, title, menu, tuple(keys.split(" | ")) if keys else (), tip, **more)  # type: ignore[arg-type]


COMMANDS: tuple[Command, ...] = (
    # File
    _command("file.open_data", "Open data set…", "File", "Ctrl+O",
             "Open a benchmark, a folder of pictures or a table, and see what it holds first.",
             icon="folder-open"),
    _command("file.import", "Import pictures…", "File", "",
             "Say what folders, file names and tables of your own tell: persons, cameras, times.",
             icon="folder"),
    _command("file.open_model", "Open checkpoint…", "File", "Ctrl+Shift+O",
             "Load a checkpoint.pth.tar of any QAConv release.", icon="cube"),
    _command("file.open_query", "Search by picture…", "File", "Ctrl+I",
             "Take a picture file as the query.", icon="image"),
    _command("file.open_demo", "Open the demo", "File", "",
             "Open the bundled synthetic people with the bundled model.", icon="play"),
    _command("file.export_match", "Save match figure…", "File", "Ctrl+S",
             "Save the match as PNG, SVG or PDF, or its numbers as JSON or CSV.",
             icon="floppy-disk", group=1),
    _command("file.export_ranking", "Save ranking…", "File", "Ctrl+Shift+S",
             "Save the ranked pictures as PNG, SVG or PDF, or their numbers as CSV or JSON.",
             group=1),
    _command("file.export_cmc", "Save CMC curve…", "File", "",
             "Save the CMC curve of the shown runs as PNG, SVG or PDF, or its numbers as CSV.",
             group=1),
    _command("file.export_failures", "Save report on errors…", "File", "",
             "Save what the wrong Rank-1 results have in common as HTML or JSON.", group=1),
    _command("file.export_trust", "Save report on explanation checks…", "File", "",
             "Save whether explanations show what decides as HTML or JSON.", group=1),
    _command("file.save_report", "Save report…", "File", "",
             "Save the candidates chosen, or all decided ones, with pictures, lines, maps, scores "
             "and decisions, as a web page or PDF.", group=1),
    _command("file.save_decisions", "Save decisions…", "File", "",
             "Save all decisions about this data set as CSV.", group=1),
    _command("file.quit", "Quit", "File", "Ctrl+Q", "Close the program; the session is kept.",
             group=2),
    # Edit
    _command("edit.undo", "Undo decision", "Edit", "Ctrl+Z", "Take the last decision back."),
    _command("edit.copy_figure", "Copy match figure", "Edit", "Ctrl+C",
             "Copy the match figure as a picture.", icon="copy"),
    _command("edit.copy_numbers", "Copy numbers", "Edit", "Ctrl+Shift+C",
             "Copy the match's numbers as JSON text."),
    _command("edit.paste", "Paste picture as query", "Edit", "Ctrl+V",
             "Take the picture on the clipboard as the query.", icon="clipboard"),
    _command("edit.find", "Find person or file…", "Edit", "Ctrl+F",
             "Find a person or a file in the gallery and show its rank.", icon="magnifying-glass",
             group=1),
    _command("edit.palette", "All commands…", "Edit", "Ctrl+Shift+P | Ctrl+K",
             "Find a command, a query, a recent data set or checkpoint by its words.",
             icon="command", group=1),
    _command("edit.settings", "Settings…", "Edit", "Ctrl+,", "Folders, device, theme.", group=1),
    # Query
    _command("query.next", "Next query", "Query", "Down", "Go to the next query in the list."),
    _command("query.previous", "Previous query", "Query", "Up",
             "Go to the previous query in the list."),
    _command("query.next_error", "Next error", "Query", "E",
             "Go to the next query whose rank 1 is a false match."),
    _command("query.filter", "Filter queries", "Query", "Ctrl+L", "Type to filter the queries."),
    _command("query.sort_file", "Sort by file", "Query", "", "", checkable=True, group=1),
    _command("query.sort_person", "Sort by person", "Query", "", "", checkable=True, group=1),
    _command("query.sort_ap", "Sort by AP, worst first", "Query", "", "", checkable=True, group=1),
    _command("query.sort_score", "Sort by top score", "Query", "", "", checkable=True, group=1),
    # Candidate
    _command("candidate.next", "Next candidate", "Candidate", "Right", "One rank further."),
    _command("candidate.previous", "Previous candidate", "Candidate", "Left", "One rank back."),
    _command("candidate.first", "First candidate", "Candidate", "Home", "To the best candidate."),
    _command("candidate.last", "Last candidate", "Candidate", "End", "To the last candidate."),
    _command("candidate.extend_next", "Choose the next one too", "Candidate", "Shift+Right",
             "Choose one candidate more, for a report; Ctrl+click adds any other."),
    _command("candidate.extend_previous", "Choose the previous one too", "Candidate",
             "Shift+Left", "Choose one candidate more, for a report."),
    _command("candidate.next_true", "Next true match", "Candidate", "N",
             "Jump to the next true match.", icon="check", group=1),
    _command("candidate.previous_true", "Previous true match", "Candidate", "Shift+N",
             "Jump to the true match before.", group=1),
    _command("candidate.compare", "Compare with the first true match", "Candidate", "C",
             "Show this candidate beside the first true match.", icon="columns", group=1),
    _command("candidate.why_false", "What did the false match share that the true one lacks?",
             "Candidate", "W",
             "Compare the first false match with the first true one: the exact differences by "
             "cell.", icon="question", group=1),
    _command("candidate.confirm", "Confirm", "Candidate", "Y",
             "Decide that this candidate is the person.", group=4),
    _command("candidate.reject", "Reject", "Candidate", "R",
             "Decide that this candidate is somebody else.", group=4),
    _command("candidate.unsure", "Unsure", "Candidate", "U", "Leave this candidate open.",
             group=4),
    _command("candidate.note", "Note…", "Candidate", "Shift+U",
             "Write a note on this candidate.", group=4),
    _command("candidate.withdraw", "Withdraw the decision", "Candidate", "Del",
             "Take the decision about this candidate away, with its note.", group=4),
    _command("candidate.hide_junk", "Hide same camera (ignored)", "Candidate", "",
             "Hide pictures of the query's person from its own camera.", checkable=True, group=2),
    _command("candidate.hide_same_camera", "Hide the query's camera", "Candidate", "",
             "Hide all pictures from the camera of the query.", checkable=True, group=2),
    _command("candidate.next_undecided", "Next undecided candidate", "Candidate", "J",
             "To the next candidate that nothing was decided about.", group=4),
    _command("candidate.hide_decided", "Hide decided", "Candidate", "",
             "Hide candidates that something was decided about.", checkable=True, group=2),
    _command("candidate.hide_false", "Hide false matches", "Candidate", "", "", checkable=True,
             group=2),
    _command("candidate.method_qaconv", "Rank by QAConv", "Candidate", "Alt+1", "",
             checkable=True, group=3),
    _command("candidate.method_rerank", "Rank by QAConv + re-ranking", "Candidate", "Alt+2", "",
             checkable=True, group=3),
    _command("candidate.method_tlift", "Rank by QAConv + re-ranking + TLift", "Candidate",
             "Alt+3", "", checkable=True, group=3),
    _command("candidate.method_norm", "Rank by QAConv + camera normalisation", "Candidate",
             "Alt+4", "By how far each stands above strangers between the two cameras.",
             checkable=True, group=3),
    _command("candidate.method_norm_rerank", "Rank by camera normalisation + re-ranking",
             "Candidate", "Alt+5", "", checkable=True, group=3),
    _command("candidate.method_norm_tlift", "Rank by camera normalisation + re-ranking + TLift",
             "Candidate", "Alt+6", "", checkable=True, group=3),
    _command("candidate.exact", "Score everything exactly", "Candidate", "",
             "In galleries of 20,000 pictures and more, score all and not only the best exactly.",
             checkable=True, group=3),
    # Match
    _command("match.lines", "Lines", "Match", "1", "Lines between matched cells.",
             icon="line-segments", checkable=True),
    _command("match.heat", "Heat maps", "Match", "2", "What each cell adds to the logit.",
             icon="fire", checkable=True),
    _command("match.hover", "Point and see", "Match", "3",
             "Point at a place and see where the other picture answers.", icon="cursor",
             checkable=True),
    _command("match.compare", "Compare", "Match", "4", "Two candidates under one query.",
             icon="columns", checkable=True),
    _command("match.overlay", "Show overlay", "Match", "Space",
             "Hide and show everything drawn over the pictures.", icon="eye", checkable=True,
             group=1),
    _command("match.grid", "Show the model's grid", "Match", "G", "", icon="grid-four",
             checkable=True, group=1),
    _command("match.linked", "Zoom both together", "Match", "L", "", icon="link", checkable=True,
             group=1),
    _command("match.smooth", "Smooth heat maps", "Match", "M",
             "Interpolate between cells; off: one flat square for each cell.", icon="drop",
             checkable=True, group=1),
    _command("match.more_lines", "More lines", "Match", "+ | =", "", group=2),
    _command("match.fewer_lines", "Fewer lines", "Match", "-", "", group=2),
    _command("match.raise_threshold", "Raise threshold", "Match", "]", "", group=2),
    _command("match.lower_threshold", "Lower threshold", "Match", "[", "", group=2),
    _command("match.direction", "Next direction of lines", "Match", "D",
             "Query → gallery, gallery → query, mutual.", group=2),
    _command("match.unpin", "Release", "Match", "Esc",
             "Release the pinned cell; then remove what is drawn on the pictures.", group=2),
    _command("match.zoom_in", "Zoom in", "Match", "Ctrl++ | Ctrl+=", "",
             icon="magnifying-glass-plus", group=3),
    _command("match.zoom_out", "Zoom out", "Match", "Ctrl+-", "",
             icon="magnifying-glass-minus", group=3),
    _command("match.zoom_fit", "Fit", "Match", "Ctrl+0", "", icon="corners-in", group=3),
    _command("match.part_box", "Search by part: box", "Match", "B",
             "Drag a box on the query: the gallery is ranked by its cells alone.",
             icon="selection", checkable=True, group=4),
    _command("match.part_lasso", "Search by part: lasso", "Match", "Shift+B",
             "Draw around a part of the query: the gallery is ranked by its cells alone.",
             icon="scribble-loop", checkable=True, group=4),
    _command("match.part_paint", "Search by part: paint", "Match", "P",
             "Paint cells of the query: the gallery is ranked by them alone.",
             icon="paint-brush", checkable=True, group=4),
    _command("match.part_ignore", "Ignore the part", "Match", "I",
             "Search without the part drawn instead of by it.", icon="selection-inverse",
             checkable=True, group=4),
    _command("match.part_whole", "Search by the whole query", "Match", "Backspace",
             "Forget the part drawn on the query.", icon="selection-slash", group=4),
    _command("match.hide_box", "What if: hide", "Match", "H",
             "Drag a box on either picture: how score and rank change if it were covered.",
             icon="eraser", checkable=True, group=5),
    _command("match.take_cell", "Take the cell", "Match", "T",
             "Take the pinned cell into the part (or what is hidden), or out of it.", group=5),
    _command("match.occlusion_map", "Which region matters", "Match", "O",
             "For every region: what happens to the logit and the order if it is hidden.",
             icon="target", checkable=True, group=5),
    # Evaluate
    _command("evaluate.show", "Evaluate", "Evaluate", "Ctrl+E", "Choose what to measure.",
             icon="chart-line"),
    _command("evaluate.current", "Evaluate this data set", "Evaluate", "Ctrl+Shift+E",
             "AP of all queries, re-ranking and TLift for the open data set and model."),
    _command("evaluate.failures", "Find errors of this data set", "Evaluate", "",
             "What the wrong Rank-1 results have in common: by camera pair and in clusters.",
             group=1),
    _command("evaluate.trust", "Check explanations", "Evaluate", "",
             "Part agreement, background, shifts, and whether the strongest cells decide.",
             group=1),
    # View
    _command("view.explore", "Explore", "View", "Ctrl+1", "Queries, ranking, match.",
             icon="image-square", checkable=True),
    _command("view.evaluate", "Evaluate", "View", "Ctrl+2", "Runs and curves.",
             icon="chart-line", checkable=True),
    _command("view.failures", "Errors", "View", "Ctrl+3", "What misleads the model.",
             icon="warning-circle", checkable=True),
    _command("view.trust", "Explanation checks", "View", "Ctrl+4",
             "Whether explanations show what decides.",
             icon="scales", checkable=True),
    _command("view.back", "Back", "View", "Alt+Left", "To what was looked at before.",
             icon="arrow-left", group=1),
    _command("view.forward", "Forward", "View", "Alt+Right", "", icon="arrow-right", group=1),
    _command("view.queries", "Queries", "View", "", "", checkable=True, group=2),
    _command("view.details", "Score breakdown", "View", "", "", checkable=True, group=2),
    _command("view.candidates_strip", "Candidates as a strip", "View", "S",
             "One row of candidates above the match.", icon="rows", checkable=True, group=2),
    _command("view.candidates_grid", "Candidates as a grid", "View", "A",
             "The whole ranking in rows; Ctrl and the wheel change the size.",
             icon="squares-four", checkable=True, group=2),
    _command("view.candidates_closed", "Close the candidates", "View", "X",
             "The match alone; the arrow keys still walk along the ranking.", icon="rectangle",
             checkable=True, group=2),
    _command("view.panels", "Hide all panels", "View", "F",
             "Leave the pictures the whole page, and bring the panels back.", checkable=True,
             group=2),
    _command("view.full_screen", "Full screen", "View", "F11", "", checkable=True, group=2),
    _command("view.reset", "Restore the layout", "View", "", "", group=2),
    _command("view.theme_system", "Theme of the system", "View", "", "", checkable=True, group=3),
    _command("view.theme_light", "Light theme", "View", "", "", checkable=True, group=3),
    _command("view.theme_dark", "Dark theme", "View", "", "", checkable=True, group=3),
    _command("view.problems", "Jobs and problems", "View", "Ctrl+J", "", checkable=True, group=4),
    # Help
    _command("help.keys", "Keys", "Help", "F1", "The sheet of keys.", icon="keyboard"),
    _command("help.here", "Help on what is shown", "Help", "Shift+F1",
             "Read about what is in view now: what it does, how, and what it does not say."),
    _command("help.contribution", "What a contribution is, and is not", "Help", "", "", group=1),
    _command("help.part", "Search by part", "Help", "", HELP, group=1),
    _command("help.what_if", "What if", "Help", "", HELP, group=1),
    _command("help.why", "Why A stands above B", "Help", "", HELP, group=1),
    _command("help.crowd", "Contributions above average", "Help", "", HELP, group=1),
    _command("help.failures", "Errors of a whole set", "Help", "", HELP, group=1),
    _command("help.trust", "Explanation checks", "Help", "", HELP, group=1),
    _command("help.decisions", "Decisions and reports", "Help", "", HELP, group=1),
    _command("help.words", "Words and measures", "Help", "", "", group=1),
    _command("help.about", "About", "Help", "", "", group=2),
)  # fmt: skip

BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}
