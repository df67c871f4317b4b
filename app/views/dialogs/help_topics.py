"""Help on what can be asked about a match or a model: what, how, and what it does not say.

Keys come from the table of commands.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.state.commands import BY_ID
from app.views.dialogs.key_sheet import keys_words
from qaconv_core.explaining import limits

OWN_KEYS = {"arrows": "← → ↑ ↓", "walk": "↑ ↓", "return": "Return", "tab": "Tab",
            "space": "Space", "x": "X"}  # fmt: skip
"""Keys of a list or a map that has the focus; they are no commands."""


@dataclass(frozen=True)
class Topic:
    """One help text.

    ``does`` are paragraphs, ``mouse`` steps, ``keys`` pairs of ids (of commands, or of
    :data:`OWN_KEYS`) and what they do, ``lines`` commands without the window, ``limits``
    paragraphs on what it does not say.
    """

    title: str
    does: tuple[str, ...]
    mouse: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def html(self) -> str:
        """The whole text."""
        return "\n".join(
            [
                f"<h3>{self.title}</h3>",
                *map(_paragraph, self.does),
                "<h4>By mouse</h4><ul>",
                *(f"<li>{step}</li>" for step in self.mouse),
                "</ul><h4>By key</h4>",
                '<table cellpadding="3">',
                *(f"<tr><td><b>{_keys(ids)}</b></td><td>{words}</td></tr>" for ids, words in
                  self.keys),
                "</table><h4>Without the window</h4>",
                "<p>" + "<br>".join(f"<code>{line}</code>" for line in self.lines) + "</p>",
                "<h4>What it does not say</h4>",
                *map(_paragraph, self.limits),
            ]
        )  # fmt: skip


def _paragraph(text: str) -> str:
    return f"<p>{text}</p>"


def _keys(ids: str) -> str:
    """ "B, Shift+B" of "match.part_box match.part_lasso"."""
    words = (OWN_KEYS.get(id) or keys_words(BY_ID[id]) for id in ids.split())
    return ", ".join(word.replace(" or ", ", ") for word in words)


PART = Topic(
    "Search by part",
    (
        "Ranks the gallery by some cells of the query alone (“this backpack”) or by all the others "
        "(“something hides the legs: leave them out”). The terms of cells left out drop out of the "
        "logit, and the candidate's cells look for their match among those that remain: exactly "
        "the logit of a query that has no other cells, by plain QAConv. With several queries the "
        "part is the first one's; the others take part whole.",
        "A yellow frame shows, on every thumbnail and on the candidate, where the part was found. "
        "The <b>evidence</b> is how loudly the part can speak, for or against, as a share of what "
        "the whole query can: beside the ranking against a perfect copy, below a picture for that "
        "pair.",
    ),
    (
        "Choose the box, the lasso or the brush below the pictures and draw on the query. Shift "
        "adds to what is drawn, Ctrl takes away.",
        "<i>Ignore it</i> searches by everything but the part.",
        "<i>Whole query</i>, below the pictures or above the ranking, goes back.",
    ),
    (
        ("match.part_box match.part_lasso match.part_paint", "take box, lasso or brush"),
        ("match.take_cell", "take the pinned cell into the part, or out: no mouse is needed. "
         "↑ ↓ in the list of correspondences pin one cell after the other"),
        ("match.part_ignore", "search without the part instead"),
        ("match.part_whole", "back to the whole query"),
        ("match.unpin", "release the cell, then remove all that is drawn"),
    ),
    (
        "qaconv rank --query IMG --gallery NAME --part 0.2,0.2,0.8,0.5",
        "qaconv rank --query IMG --gallery NAME --ignore 0,0.6,1,1 --figure FILE.png",
    ),
    limits.PART,
)  # fmt: skip

WHAT_IF = Topic(
    "What if",
    (
        "Covers cells of either picture, and tells logit, score and rank as they would be without "
        "them while you draw. Cells hidden in the query are hidden from the whole gallery, those "
        "hidden in the candidate from it alone.",
        "<b>Which region matters</b> hides every window of 3 × 3 cells in turn, and draws a map: "
        "blue where the logit would fall, red where it would rise; outlined is where the order "
        "with the next candidate would change. When comparing, the map is about the lead over "
        "the other candidate.",
    ),
    (
        "<i>Hide</i>, below the pictures, then drag a box on either picture. Shift adds, Ctrl "
        "takes away.",
        "<i>Which region matters</i> shows the map; once more, and it is gone.",
    ),
    (
        ("match.hide_box", "hide by dragging, in the hand until pressed again"),
        ("match.take_cell", "with <i>Hide</i> in the hand: hide the pinned cell, or show it again"),
        ("match.occlusion_map", "which region matters"),
        ("match.unpin", "release the cell, then show all that is hidden"),
    ),
    (
        "qaconv explain QUERY A --figure FILE.png",
        "qaconv explain QUERY A B --window 5x3",
    ),
    limits.HIDING,
)

WHY = Topic(
    "Why A stands above B",
    (
        "Two candidates side by side under one query: what each cell adds for the one minus what "
        "it adds for the other, largest first. All of it, to the last cell, is the difference of "
        "the logits. The query's cells are the same for both and are subtracted, drawn over the "
        "query (red speaks for the candidate, blue for the other); the cells of the two candidates "
        "belong to different pictures and stand apart in the list.",
        "“What did the false match share that the true one lacks?” does this for the query's first "
        "false and first true match.",
    ),
    (
        "<i>Compare</i>, below the pictures, sets the candidate beside the first true match; a "
        "click on a thumbnail changes the candidate.",
        "A click on a bar at the right shows its cell in all pictures; a click on a row of the "
        "list below does too.",
        "On the page of errors a click on an example opens it so.",
    ),
    (
        ("candidate.why_false", "first false match beside the first true one"),
        ("candidate.compare", "this candidate beside the first true match"),
        ("match.compare", "the view of two candidates"),
        ("candidate.previous candidate.next", "another candidate; the other one stays"),
    ),
    (
        "qaconv explain QUERY A B --figure FILE.png",
        "qaconv explain QUERY A B --against NAME --json FILE.json",
    ),
    limits.DIFFERENCE,
)

CROWD = Topic(
    "Contributions above average",
    (
        "A cell's contribution minus its average for this query over the whole gallery. Dark "
        "trousers, "
        "the pavement and the border of the picture match everyone alike "
        "and come near zero; a rare logo stays. With its percentile: “adds more here than for 97 % "
        "of the gallery”. These numbers and the gallery's average logit sum to the logit too.",
        "This chooses and colours lines, maps, sum and list at first. What a cell adds in all "
        "(<i>by contribution</i>) and plain likeness (<i>by similarity</i>) are one choice away.",
        "Where normalised scores rank (Alt+4), the same stands for strangers: a cell's part of the "
        "score, in standard deviations. All parts add up to it. It says how unusual a likeness is "
        "among strangers between the two cameras, and is no probability.",
        "A cell of the candidate belongs to one picture only: its average is that, for this "
        "query, of the cells at the same place in all pictures.",
    ),
    (
        "The choice above the pictures: <i>above average, by contribution, by similarity</i>; "
        "lines and heat maps have one each, and lines can have a colour each.",
        "Point at a row of the list at the right to read its percentile.",
    ),
    (
        ("match.lines match.heat", "lines, heat maps"),
        ("tab", "to the choice above the pictures, then ↑ ↓"),
        ("match.direction", "from the query's cells, from the candidate's, or both ways"),
        ("match.more_lines match.fewer_lines", "more lines, fewer"),
    ),
    (
        "qaconv match QUERY A --against NAME --figure FILE.png",
        "qaconv match QUERY A --colour-by similarity",
    ),
    (
        *limits.AVERAGE,
        "For a part of the query there is no average: that of the gallery is of whole "
        "queries. What cells add is shown instead.",
    ),
)

FAILURES = Topic(
    "Errors of a whole set",
    (
        "Taken are all queries whose first match by plain QAConv is false. For each, the "
        "<b>margin</b> is the logit of that first false match minus that of the first true one, "
        "and every cell of the query has a part in it: what it adds for the false match minus what "
        "it adds for the true one. These differences and those of the candidates' own cells sum to "
        "the margin exactly.",
        "Pictures of people are cropped alike, so that cells can be averaged over queries: over "
        "all errors, over each pair of cameras (query → false match), and over <b>clusters</b> "
        "of errors whose differences look alike (k-means on the maps, whatever their size). A "
        "map lies over the average picture of its queries; each has its own limits, which its "
        "colour bar shows. Red cells mislead, blue ones speak for the true match. Where a data set "
        "has label maps, the differences are also summed by body part or garment.",
    ),
    (
        "<i>Find errors</i> begins; you can go on working on other pages.",
        "Click a group at the left; click a cell of its map, and the examples stand in the order "
        "of what that cell adds.",
        "Click an example: it opens in the browser, the false match beside the true one.",
        "<i>Save report…</i> writes everything as a web page or JSON.",
    ),
    (
        ("view.failures", "this page; what was found stays"),
        ("walk", "another group, while the list has the focus"),
        ("arrows", "another cell, while the map has the focus; Esc releases"),
        ("return", "open the example that has the focus"),
    ),
    (
        "qaconv explain --dataset NAME --failures FILE.html --clusters 6",
    ),
    (
        "Small groups say little: look at their examples. A mean map tells where on the picture "
        "the model was misled, not by what.",
        "A false match may be a mistake of the labels: that, too, only the pictures tell.",
    ),
)  # fmt: skip

TRUST = Topic(
    "Explanation checks",
    (
        "Measured are pairs of one person and, as a control, pairs of different people: what is as "
        "high there says nothing about persons. Looked at are the 12 strongest matches of each "
        "pair, by contribution or by what they add above average. Do both ends lie on the same "
        "body part, does either lie on the background or on the picture's border, and do the "
        "matches move along when the candidate's content is moved by 1, 2 or 3 cells?",
        "Then cells of the query are removed, the strongest first (deletion), or brought back into "
        "nothing (insertion). If the cells named as strongest decide, the logit falls, or rises, "
        "faster than in random order; the <b>area</b> between the two curves says how much, as a "
        "share of |logit − bias|. The rank goes along.",
        "Part agreement and background need label maps. Where persons are not known, each query's "
        "best match and random pairs are measured instead.",
    ),
    (
        "<i>Check explanations</i> begins; the number beside it is how many pairs of each kind.",
        "<i>Strongest by</i> chooses how the strongest matches are found.",
        "The tabs at the right hold curves and the pairs that were measured; click a pair to open "
        "it.",
        "<i>Save report…</i> writes everything as a web page or JSON.",
    ),
    (
        ("view.trust", "this page; what was measured stays"),
        ("tab", "to the choice, the tabs and the pairs"),
        ("return", "open the pair that has the focus"),
    ),
    (
        "qaconv explain --dataset NAME --report FILE.html --pairs 100",
    ),
    (limits.LIMITS,),
)  # fmt: skip

DECISIONS = Topic(
    "Decisions and reports",
    (
        "Confirm or reject a candidate, or leave it open, with a note. Badges on thumbnails and "
        "below the pictures show what was decided. Decisions are kept for each data set, at once "
        "and for the next start, and can be undone one after the other; several candidates decided "
        "at once are one step.",
        "A report holds the query and, for each candidate, both pictures, lines, maps, numbers, "
        "the decision and the note, and says what the numbers mean: one web page without scripts, "
        "or a PDF with a page for each candidate. It needs no other file, and its pictures carry "
        "no hidden information. All decisions about a data set are also saved as a table (CSV).",
        "A <b>case</b> is one file that keeps data set, model, query pictures of one person, "
        "decisions and notes as you go. Every decision is an entry of its log, in which a silent "
        "edit shows. While a case is open, decisions are the case's.",
    ),
    (
        "The buttons beside the candidate decide; a click on the one that is lit withdraws. Where "
        "decided ones are hidden, the next one is shown after each decision.",
        "Ctrl+click and Shift+click choose several candidates in the ranking; <i>Report…</i> above "
        "it, or in the menu File, saves one on these, on all decided ones or on the one looked at.",
    ),
    (
        ("candidate.confirm candidate.reject candidate.unsure", "confirm, reject, unsure"),
        ("candidate.note", "write a note"),
        ("candidate.withdraw", "withdraw the decision"),
        ("edit.undo", "undo the last decision, on one candidate or several"),
        ("candidate.extend_previous candidate.extend_next", "choose one candidate more"),
        ("edit.palette", "then type “report” or “decisions” to save them"),
    ),
    (
        "qaconv rank --query IMG --gallery NAME --top 5 --report FILE.pdf",
        "qaconv explain --dataset NAME --decisions FILE.csv",
    ),
    (
        "A decision is a person's judgement. It changes no ranking and teaches the model nothing.",
        "A report shows what this model's numbers are made of. It is not evidence that two "
        "pictures show one person, and a score is not a probability.",
    ),
)

ADAPT = Topic(
    "Adapting to own cameras",
    (
        "A model ranks worse before cameras that it has never seen. <i>Adapt to these "
        "pictures…</i> makes a model that knows them, from the pictures alone. Pictures that seem "
        "to show one person are put into groups; the model learns from the groups as if they were "
        "persons, and rendered people keep its maps honest meanwhile.",
        "Some pictures are held out and never learned from. The new model is kept only where they "
        "fall into groups clearly better than before. The old model is not changed.",
    ),
    (
        "<i>File, Adapt to these pictures…</i> says how long it takes and how much memory.",
        "Each round shows its groups as rows. A click on a picture takes it out, a click on the "
        "words of a row the whole group; <i>Learn from these groups</i> goes on.",
        "<i>Stop</i>, or closing the program, loses little: <i>Go on</i> takes it up where it "
        "stood.",
        "At the end, <i>Use the new model</i> and <i>Back to the old model</i> change between the "
        "two.",
    ),
    (
        ("edit.palette", "then type “adapt”"),
        ("arrows", "walk over groups and pictures"),
        ("space", "take a group out, or back in"),
        ("x", "take a picture out, or back in"),
    ),
    (
        "qaconv adapt --dataset NAME --out FILE --groups FILE.html --review",
        "qaconv adapt --dataset NAME --out FILE --without 3,17",
    ),
    (
        "With some hundred pictures there are few groups, and little is learned; of one camera "
        "nothing can be learned of how people look before others. People in uniforms share a "
        "group, and the model learns that they are one person. At night, groups form by the light.",
        "The check does not know who is who: it sees how pictures fall into groups. Measure on "
        "pictures of known persons where you have some.",
    ),
)

GALLERY = Topic(
    "The gallery, and its persons",
    (
        "The page Gallery shows all pictures before there is a query: by camera, time, name, or by "
        "likeness, which puts pictures that look alike beside each other. Near-duplicates can be "
        "folded into one tile with their number. <i>Search by this picture</i> goes to Explore.",
        "Pictures are given to <b>persons</b>: chosen ones become a new person, or somebody whom "
        "you have named. Persons are merged, split, renamed and listed with their cameras. "
        "<i>Suggest pairs</i> asks about the pairs whose answer teaches most. With labels the "
        "model can be measured, and pairs of them draw a line in the ranking: below it probably "
        "nobody is the query's person.",
    ),
    (
        "Ctrl+click and Shift+click choose several pictures; a double click searches by one.",
        "Drag the slider, or turn the wheel with Ctrl, for larger pictures.",
        "Click a person in the list to see only their pictures.",
    ),
    (
        ("gallery.search", "search by the chosen picture"),
        ("gallery.new_person", "make the chosen pictures a person"),
        ("edit.palette", "then type “persons”, “suggest” or “labels” for the other commands"),
    ),
    (
        "qaconv labels --dataset NAME --assign PERSON PICTURE…",
        "qaconv evaluate --dataset NAME --labels",
        "qaconv rank --query Q.jpg --gallery NAME --false-pairs 0.01",
    ),
    (
        "Likeness is of pictures, not of persons: alike clothes stand beside each other. Labels "
        "are a person's judgement; they teach the model nothing. A measure on few persons says "
        "little, which its interval shows.",
    ),
)

SCENES = Topic(
    "People in scenes",
    (
        "Pictures of whole scenes are looked at by a detector. Each person found has a box, which "
        "can be corrected, deleted, or drawn where nobody was found. The chosen people are cut "
        "out: as queries for the open gallery, or as a data set of their own.",
        "A crop remembers its scene: Z in Explore goes from a candidate to its scene, Shift+Z from "
        "the query.",
    ),
    (
        "Click people to choose them, Ctrl+click more; with none chosen, all are taken.",
        "Drag a box, its edges or corners; drag over free ground to draw one. A box has 16 × 32 "
        "pixels of the scene at least.",
        "The wheel zooms, the middle button moves the picture.",
        "Another detector of the list looks again; what you drew or corrected stays.",
    ),
    (
        ("file.open_scenes", "choose pictures of scenes"),
        ("candidate.show_scene", "the candidate's scene"),
        ("arrows", "move the chosen box; with Ctrl its right and lower edge, with Alt the others"),
    ),
    (
        "qaconv detect street.jpg --out people",
        "qaconv detect cameras/ --out people --boxes boxes.json",
    ),
    (
        "People below about 50 pixels, hidden by half or more, sitting or seen from above are "
        "often missed. The score of a box is not a probability. What was measured stands in "
        "docs/detecting.md.",
    ),
)

VIDEOS = Topic(
    "People in video",
    (
        "Some frames a second of each video are looked at, and people of neighbouring frames are "
        "linked to <b>tracks</b>. The crops become a data set; of the video nothing else is kept. "
        "A search that was stopped goes on in the same folder, here or by the command.",
        "A track is one tile of the ranking: it has the rank of the best of its pictures, or of "
        "their mean (<i>Tracks by the mean</i> among the filters).",
    ),
    (
        "Each video has a camera and the time when it began; both can be changed. One name for "
        "several videos makes them one camera.",
        "With times that are dates, videos can be compared in time.",
        "A track plays in its tile while the pointer is on it.",
    ),
    (
        ("edit.palette", "then type “video”"),
        ("candidate.play_track", "play the candidate's track"),
        ("candidate.show_scene", "the frame of the video that it was cut out of"),
    ),
    (
        "qaconv detect gate.mp4 --out people --fps 2 --start 2024-05-01T12:00:00",
        "qaconv rank --query Q.jpg --gallery people --tracks mean",
    ),
    (
        "Two tracks may be one person, and where people cross a track may go over to somebody "
        "else. Frames between those looked at are not seen.",
    ),
)

TOPICS: dict[str, Topic] = {
    "help.part": PART,
    "help.what_if": WHAT_IF,
    "help.why": WHY,
    "help.crowd": CROWD,
    "help.failures": FAILURES,
    "help.trust": TRUST,
    "help.decisions": DECISIONS,
    "help.adapt": ADAPT,
    "help.gallery": GALLERY,
    "help.scenes": SCENES,
    "help.videos": VIDEOS,
}
