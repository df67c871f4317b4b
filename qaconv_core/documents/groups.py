"""The page of ``qaconv adapt --groups``: groups of pictures that seem to show one person each."""

from __future__ import annotations

from qaconv_core.adaptation.pictures import cameras_in_turn, largest_first
from qaconv_core.adaptation.values import FoundGroups
from qaconv_core.documents import html
from qaconv_core.naming import camera_words
from qaconv_core.readable import counted
from qaconv_core.types import ImageRef

PICTURES = 8
"""Pictures of a group that are shown, of as many cameras as it has."""

_MEANING = (
    "Each row is believed to be one person, and the model learns from it as if it were. A row with "
    "several persons teaches something wrong: take it out by its number (--without)."
)


def groups_html(found: FoundGroups, name: str) -> str:
    """The groups of a round as one HTML file, the largest first."""
    pictures = sum(len(group) for group in found.groups)
    lead = (
        f"{name}, round {found.round}: {counted(len(found.groups), 'group')} of "
        f"{counted(pictures, 'picture')}; "
        f"{counted(found.alone, 'picture is', 'pictures are')} in none"
    )
    body = [html.paragraph(_MEANING)]
    for number in largest_first(found.groups):
        body += _row(found, number)
    return html.page("Groups", lead, body, limits=False)


def _row(found: FoundGroups, number: int) -> list[str]:
    group = found.groups[number - 1]
    words = f"Group {number}: {counted(len(group), 'picture')}"
    cameras = len({ref.camid for ref in group} - {None})
    if cameras:
        words += f" of {counted(cameras, 'camera')}"
    if number in found.held_out:
        words += "; held out for the check"
    if number in found.left_out:
        words += "; taken out"
    shown = cameras_in_turn(group)[:PICTURES]
    return [
        html.heading(words, 3),
        html.pictures((ref.path, _caption(ref)) for ref in shown),
    ]


def _caption(ref: ImageRef) -> str:
    return ", ".join(filter(None, (camera_words(ref.camid, ref.camera), ref.path.name)))
