"""Persons that somebody gave to pictures while looking, kept per data set, with a history to undo.

Kept beside the decisions, in the same way: see :mod:`~qaconv_core.store.change_log`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from qaconv_core.errors import InputError
from qaconv_core.readable import counted
from qaconv_core.store.change_log import ChangeLog
from qaconv_core.store.decisions import Decision, DecisionBook, kept_file

_LONGEST_NAME = 80
_Relabel = Callable[[dict[str, str]], tuple[str, dict[str, str]]]


@dataclass(frozen=True)
class LabelChange:
    """One step of the history: the person of some pictures before and after it.

    "" stands for no person. ``what`` says in words what was done, ``made`` when (UTC, ISO form).
    ``answer`` names the two pictures of an answered pair, whose decision belongs to this step; it
    is empty for all other steps.
    """

    what: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    made: str = ""
    answer: tuple[str, ...] = ()


def _labels(changes: Sequence[LabelChange]) -> dict[str, str]:
    """The person of each picture after these changes."""
    found: dict[str, str] = {}
    for change in changes:
        found.update(change.after)
    return {picture: person for picture, person in found.items() if person}


def labels_path(dataset: str, root: str | os.PathLike[str]) -> Path:
    """The file of a data set's labels in the user's data folder."""
    return kept_file("labels", dataset, root)


class LabelLog(ChangeLog[LabelChange]):
    """The persons of one data set's pictures, as :class:`ChangeLog` keeps changes.

    Methods that change something return the change. They raise :class:`InputError` for a person
    that is not there or a name that cannot be given.
    """

    path_of = staticmethod(labels_path)

    def all(self) -> dict[str, str]:
        """The person of each picture that has one."""
        return _labels(self._in_force())

    def persons(self) -> dict[str, list[str]]:
        """The pictures of each person, persons in the order in which they came."""
        found: dict[str, list[str]] = {}
        for picture, person in self.all().items():
            found.setdefault(person, []).append(picture)
        return found

    def assign(
        self, pictures: Iterable[str | os.PathLike[str]], person: str | None = None
    ) -> LabelChange:
        """Give pictures to a person; without a name to a new one, called ``person 1`` and so on."""
        names = [self.name_of(picture) for picture in pictures]

        def change(labels: dict[str, str]) -> tuple[str, dict[str, str]]:
            name = _new_name(set(labels.values())) if person is None else _checked(person)
            return f"{counted(len(names), 'picture is', 'pictures are')} {name}", dict.fromkeys(
                names, name
            )

        return self._made(change)

    def clear(self, pictures: Iterable[str | os.PathLike[str]]) -> LabelChange:
        """Take the person away from pictures."""
        names = [self.name_of(picture) for picture in pictures]
        what = f"{counted(len(names), 'picture has', 'pictures have')} no person"
        return self._made(lambda _: (what, dict.fromkeys(names, "")))

    def merge(self, person: str, others: Sequence[str]) -> LabelChange:
        """Make other persons' pictures those of ``person``."""

        def change(labels: dict[str, str]) -> tuple[str, dict[str, str]]:
            _check_there(labels, (person, *others))
            if person in others:
                raise InputError(f"“{person}” cannot be merged with itself; name others")
            moved = {p: person for p, name in labels.items() if name in others}
            return f"{', '.join(others)} became {person}", moved

        return self._made(change)

    def rename(self, person: str, name: str) -> LabelChange:
        """Give a person another name, which nobody has yet (see :meth:`merge`)."""

        def change(labels: dict[str, str]) -> tuple[str, dict[str, str]]:
            _check_there(labels, (person,))
            if _checked(name) in labels.values():
                raise InputError(f"“{name}” is there already; merge the two, or choose another")
            return f"{person} is called {name}", {p: name for p, n in labels.items() if n == person}

        return self._made(change)

    def split(
        self, pictures: Iterable[str | os.PathLike[str]], person: str | None = None
    ) -> LabelChange:
        """Make some pictures of one person those of a new one."""
        given = list(pictures)
        if person is not None and person in self.all().values():
            raise InputError(f"“{person}” is there already; choose a new name to split off")
        return self.assign(given, person)

    def answer(
        self, one: str | os.PathLike[str], other: str | os.PathLike[str], same: bool
    ) -> LabelChange:
        """Note the answer whether two pictures show one person; if so, they become one.

        A picture without a person gets the other one's; where each has one, the second person is
        merged into the first. The decision about the pair is kept elsewhere: :func:`undo_labels`
        takes it back with this step.
        """
        names = (self.name_of(one), self.name_of(other))

        def change(labels: dict[str, str]) -> tuple[str, dict[str, str]]:
            if not same:
                return "two persons", {}
            known = [labels[name] for name in names if name in labels]
            person = known[0] if known else _new_name(set(labels.values()))
            merged = {p: person for p, name in labels.items() if name in known[1:]}
            what = f"{known[1]} became {person}" if len({*known}) > 1 else f"both are {person}"
            return what, {**merged, **dict.fromkeys(names, person)}

        step = self._changed(change, answer=names)
        assert step is not None
        return step

    def take_decisions(self, decisions: Iterable[Decision]) -> LabelChange | None:
        """Make persons of confirmed pairs: pictures that pairs connect are one person.

        A picture that has a person gives it to those connected with it. Groups in which two persons
        meet stay as they are: somebody has to merge them. None where nothing changes.
        """
        groups = _connected((d.query, d.gallery) for d in decisions if d.verdict == "confirm")

        def change(labels: dict[str, str]) -> tuple[str, dict[str, str]]:
            made: dict[str, str] = {}
            for group in groups:
                known = {labels[picture] for picture in group if picture in labels}
                if len(known) > 1:
                    continue
                taken = {*labels.values(), *made.values()}
                name = known.pop() if known else _new_name(taken)
                made.update({p: name for p in group if labels.get(p) != name})
            return f"{counted(len(made), 'picture')} by confirmed pairs", made

        return self._changed(change, nothing=True)

    def take_back(self, step: LabelChange) -> LabelChange | None:
        """Undo a step that others may have followed, and return it.

        None, and nothing is changed, where its pictures have other persons by now. Where it is not
        the last step, it is taken back by a new one.
        """

        def anew(changes: tuple[LabelChange, ...]) -> LabelChange | None:
            labels = _labels(changes)
            if any(labels.get(picture, "") != person for picture, person in step.after.items()):
                return None
            return LabelChange(f"undone: {step.what}", step.after, step.before, _now())

        return self._take_back(step, anew)

    def _made(self, change: _Relabel) -> LabelChange:
        step = self._changed(change)
        assert step is not None
        return step

    def _changed(
        self, change: _Relabel, nothing: bool = False, answer: tuple[str, ...] = ()
    ) -> LabelChange | None:
        """Keep what ``change`` does; ``nothing``: leave a change out that changes nothing."""

        def make(changes: tuple[LabelChange, ...]) -> LabelChange | None:
            labels = _labels(changes)
            what, after = change(labels)
            if nothing and not after:
                return None
            before = {picture: labels.get(picture, "") for picture in after}
            return LabelChange(what, before, after, _now(), answer)

        return self._change(make)

    def _step(self, record: Any) -> LabelChange:
        before, after = _texts(record["before"]), _texts(record["after"])
        answer = tuple(record.get("answer", ()))
        if answer and not (len(answer) == 2 and all(isinstance(name, str) for name in answer)):
            raise ValueError("an answer is about two pictures")
        return LabelChange(str(record["what"]), before, after, str(record["made"]), answer)

    def _record(self, step: LabelChange) -> dict[str, Any]:
        record = {**vars(step), "before": dict(step.before), "after": dict(step.after)}
        if not record.pop("answer"):
            return record
        return {**record, "answer": list(step.answer)}


def undo_labels(log: LabelLog, decided: DecisionBook) -> LabelChange | None:
    """Undo the last change of persons, with the decision where it was an answer about a pair.

    A decision that is another one by now stays. Returns the change; None where there is none.
    """
    return _with_decision(log, log.undo(), decided)


def undo_own(
    log: LabelLog, decided: DecisionBook, own: list[LabelChange]
) -> tuple[LabelChange | None, str]:
    """Undo the last of a program's ``own`` changes, as :func:`undo_labels` does, whatever others
    changed since; it is taken off the list. Returns the change, or None and the reason in words.
    """
    if not own:
        return None, "nothing to undo: no person was changed in this window since it opened the set"
    step = own.pop()
    undone = _with_decision(log, log.take_back(step), decided)
    return undone, f"not undone, since it was changed elsewhere: {step.what}"


def _with_decision(
    log: LabelLog, undone: LabelChange | None, decided: DecisionBook
) -> LabelChange | None:
    """Take back the decision that belongs to a step that was undone; the step."""
    if undone is not None and undone.answer:
        one, other = (log.root / name for name in undone.answer)
        made = decided.get(one, other)
        if made is not None and made.verdict == ("confirm" if undone.after else "reject"):
            decided.clear(one, other)
    return undone


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _connected(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Groups of names that pairs connect, in the order in which they came."""
    group_of: dict[str, list[str]] = {}
    for pair in pairs:
        one, other = (group_of.setdefault(name, [name]) for name in pair)
        if one is not other:
            one.extend(other)
            group_of.update(dict.fromkeys(other, one))
    return list({id(group): group for group in group_of.values()}.values())


def _new_name(taken: set[str]) -> str:
    number = 1
    while f"person {number}" in taken:
        number += 1
    return f"person {number}"


def _checked(name: str) -> str:
    if not name.strip() or name != name.strip() or len(name) > _LONGEST_NAME:
        raise InputError(f"a person's name has 1 to {_LONGEST_NAME} signs and no space around it")
    if not name.isprintable():
        raise InputError("a person's name holds signs that cannot be seen; leave them out")
    return name


def _check_there(labels: Mapping[str, str], persons: Sequence[str]) -> None:
    missing = next((person for person in persons if person not in labels.values()), None)
    if missing is not None:
        raise InputError(f"nobody is called “{missing}”; “qaconv labels” lists the persons")


def _texts(values: Any) -> dict[str, str]:
    if not all(isinstance(text, str) for pair in values.items() for text in pair):
        raise ValueError("pictures and persons have to be text")
    return dict(values)
