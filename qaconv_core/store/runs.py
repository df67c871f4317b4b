"""The history of runs: a small SQLite file of reports that can be listed and compared.

Each call opens the file, does one transaction and closes it, so that several processes may write
at once (they wait for each other) and nothing is held open while a job computes.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from qaconv_core.errors import InputError, StoreError
from qaconv_core.files import check_input
from qaconv_core.store.records import DamagedRecord, is_number, parse_json, put_aside

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
APPLICATION_ID = 0x5141_4376  # "QACv": tells our file from another program's SQLite file
_SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created TEXT NOT NULL,
    kind TEXT NOT NULL,
    dataset TEXT NOT NULL,
    command TEXT NOT NULL,
    report TEXT NOT NULL
)
"""
_COLUMNS = "id, created, kind, dataset, command, report"
_COUNTS = ("query", "gallery", "valid_queries")
_MEASURES = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP")


_NAME, _NOTE = "run_name", "run_note"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class RunRecord:
    """One stored run. ``created`` is UTC in ISO form, ``report`` what ``evaluate --json`` wrote."""

    id: int
    created: str
    kind: str
    dataset: str
    command: str
    report: dict[str, Any]

    @property
    def results(self) -> Rows:
        """The results by method (empty when the report has none)."""
        results = self.report.get("results", [])
        return [r for r in results if isinstance(r, dict)] if isinstance(results, list) else []


Records = list[RunRecord]


class _DamagedHistory(StoreError):
    """The file is no database, or a broken one."""


class RunHistory:
    """Runs stored in the SQLite file ``path``, which the first :meth:`add` creates.

    ``timeout`` is how long to wait, in seconds, while another process writes. All methods raise
    :class:`StoreError`, naming the file and the way out, when it cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str], timeout: float = 30.0) -> None:
        self.path = Path(path)
        self._timeout = timeout

    def add(self, report: dict[str, Any], kind: str = "evaluate", command: str = "") -> int:
        """Store a report (as :func:`~qaconv_core.evaluation.reports.report_json` makes it).

        Returns the id of the new run; ids are never used twice. A damaged file is put aside under
        another name, with a line in the log, and a new one begun.
        """
        try:
            text = json.dumps(report, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"a report for the run history must be plain JSON: {error}") from error
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        dataset = _storable(str(report.get("dataset", "")))
        row = (created, kind, dataset, _storable(command), text)
        try:
            return self._insert(row)
        except _DamagedHistory as error:
            put_aside(self.path, error.__cause__ or error)
            return self._insert(row)

    def _insert(self, row: tuple[str, ...]) -> int:
        with self._open(write=True, create=True) as connection:
            assert connection is not None
            cursor = connection.execute(
                "INSERT INTO runs (created, kind, dataset, command, report) VALUES (?, ?, ?, ?, ?)",
                row,
            )
            return int(cursor.lastrowid or 0)

    def list(self, dataset: str | None = None, limit: int | None = None) -> Records:
        """The newest ``limit`` runs (None: all), newest first; none if the file does not exist."""
        where = "" if dataset is None else "WHERE dataset = ?"
        values = () if dataset is None else (_storable(dataset),)
        rows = self._select(f"{where} ORDER BY id DESC LIMIT ?", (*values, _limit(limit)))
        whole = [row for row in rows if _report(row[-1]) is not None]
        if len(whole) < len(rows):
            lost = len(rows) - len(whole)
            log.warning("run history %s: %d damaged runs are passed over", self.path, lost)
        return [self._record(row) for row in whole]

    def get(self, run_id: int) -> RunRecord:
        """The run with this id; :class:`InputError` naming those that exist when there is none."""
        rows = self._select("WHERE id = ?", (run_id,))
        if not rows:
            raise self._unknown(run_id)
        return self._record(rows[0])

    def compare(self, run_ids: Sequence[int]) -> Rows:
        """One row for each run and method: measures, checkpoint, approximation, counts.

        ``delta_rank1`` and ``delta_mAP`` are differences (fractions) to the first of these runs
        that has the same data set and method; None for that run itself and where a number is
        missing. ``unlike`` says where that run is of other pictures ("" where it is not).
        """
        first: dict[tuple[str, str], dict[str, Any]] = {}
        rows: Rows = []
        for record in [self.get(run_id) for run_id in run_ids]:
            for result in record.results:
                row = _comparison_row(record, result)
                base = first.setdefault((row["dataset"], row["method"]), row)
                row["unlike"] = _unlike(row, base)
                for name in ("rank1", "mAP"):
                    row[f"delta_{name}"] = None if base is row else _minus(row[name], base[name])
                rows.append(row)
        return rows

    def describe(self, run_id: int, name: str, note: str) -> None:
        """Keep a name and a note with a run; :class:`InputError` when no run has this id."""
        report = {**self.get(run_id).report, _NAME: _storable(name), _NOTE: _storable(note)}
        with self._open(write=True) as connection:
            if connection is not None:
                values = (json.dumps(report, allow_nan=False), run_id)
                if connection.execute("UPDATE runs SET report = ? WHERE id = ?", values).rowcount:
                    return
        raise self._unknown(run_id)

    def delete(self, run_id: int) -> None:
        """Remove a run; :class:`InputError` when there is none with this id."""
        with self._open(write=True) as connection:
            if connection is not None:
                cursor = connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
                if cursor.rowcount:
                    return
        raise self._unknown(run_id)

    def _select(self, clause: str, values: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        with self._open() as connection:
            if connection is None:
                return []
            return connection.execute(f"SELECT {_COLUMNS} FROM runs {clause}", values).fetchall()

    def _record(self, row: tuple[Any, ...]) -> RunRecord:
        run_id, created, kind, dataset, command, text = row
        report = _report(text)
        if report is None:
            raise self._damaged(f"run {run_id} is not a report")
        return RunRecord(int(run_id), str(created), str(kind), str(dataset), str(command), report)

    @contextmanager
    def _open(
        self, write: bool = False, create: bool = False
    ) -> Iterator[sqlite3.Connection | None]:
        """A connection inside one transaction; None when nothing is stored and ``create`` is not
        set."""
        if not create and not self.path.exists():
            yield None
            return
        if self.path.exists():
            check_input(self.path, "file for the run history", StoreError)
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            # isolation_level None: transactions are ours alone, whatever the Python version does.
            connection = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None)
            with closing(connection):
                yield from self._transaction(connection, write, create)
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"run history {self.path}: {error}; check that the folder can be written to, the "
                "disk has room and no other program holds the file"
            ) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise self._damaged(str(error)) from error
        except OSError as error:
            raise StoreError(f"run history {self.path}: {error.strerror or error}") from error
        except OverflowError as error:  # an id that no run can have
            raise InputError(f"run history {self.path}: {error}") from error

    def _transaction(
        self, connection: sqlite3.Connection, write: bool, create: bool
    ) -> Iterator[sqlite3.Connection | None]:
        # IMMEDIATE takes the write lock at once, so that two first writers do not both create
        # the table and none fails half-way when it wants to turn from reader to writer.
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield connection if self._has_schema(connection, create) else None
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _has_schema(self, connection: sqlite3.Connection, create: bool) -> bool:
        """Whether the file holds our table (made here with ``create``); False for an empty file."""
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables == 0 and version == 0:
            if create:
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            return create
        if application != APPLICATION_ID:
            raise StoreError(f"{self.path} is not a run history of this program; name another file")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"run history {self.path} was written by a newer version of this program "
                f"(schema {version}, known: {SCHEMA_VERSION}); update, or name another file"
            )
        return True

    def _damaged(self, what: str) -> StoreError:
        return _DamagedHistory(
            f"run history {self.path} is damaged ({what}); move the file away to begin a new one"
        )

    def _unknown(self, run_id: int) -> InputError:
        ids = [str(record.id) for record in self.list(limit=10)]
        known = f"the newest are {', '.join(ids)}" if ids else "it is empty"
        return InputError(f"run history {self.path} has no run {run_id}; {known}")


def name_and_note(report: dict[str, Any]) -> tuple[str, str]:
    """What :meth:`RunHistory.describe` kept; "" where nothing was."""
    name, note = (report.get(key) for key in (_NAME, _NOTE))
    return name if isinstance(name, str) else "", note if isinstance(note, str) else ""


def _report(text: object) -> dict[str, Any] | None:
    """The report that a run's text holds; None where it is damaged."""
    try:
        report = parse_json(text) if isinstance(text, str | bytes) else None
    except DamagedRecord:
        return None
    return report if isinstance(report, dict) else None


def _storable(text: str) -> str:
    """``text`` as SQLite can hold it: what is no valid Unicode (in a file name) as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _limit(limit: int | None) -> int:
    """SQLite's LIMIT: −1 for all."""
    if limit is not None and limit < 0:
        raise InputError(f"the number of runs to list cannot be {limit}")
    return -1 if limit is None else limit


def _minus(value: Any, base: Any) -> float | None:
    """value − base; None where one of them is not a number."""
    if not (is_number(value) and is_number(base)):
        return None
    return float(value) - float(base)


def _unlike(row: dict[str, Any], base: dict[str, Any]) -> str:
    """That two rows are of different pictures, or "" where their counts are the same."""
    if row["counts"] == base["counts"]:
        return ""
    mine, other = (
        " × ".join(str(r["counts"].get(n, "?")) for n in ("query", "gallery")) for r in (row, base)
    )
    return (
        f"run {row['id']} is of other pictures than run {base['id']} ({mine} and {other}, "
        f"{row['valid_queries']} and {base['valid_queries']} valid queries): the difference is not "
        "one of models"
    )


def _comparison_row(record: RunRecord, result: dict[str, Any]) -> dict[str, Any]:
    counts = record.report.get("counts")
    found = counts if isinstance(counts, dict) else {}
    checkpoint = record.report.get("checkpoint")
    if isinstance(checkpoint, dict):
        given = (checkpoint.get(key) for key in ("name", "path", "sha256"))
        checkpoint = next((value for value in given if value), "")
    row = {
        "id": record.id,
        "created": record.created,
        "dataset": record.dataset,
        "checkpoint": Path(str(checkpoint or "")).name,
        "method": str(result.get("method", "")),
        "approximation": str(result.get("approximation") or ""),
        "counts": {name: found.get(name) for name in _COUNTS if name in found},
        "valid_queries": found.get("valid_queries"),
    }
    return {**row, **{measure: result.get(measure) for measure in _MEASURES}}
