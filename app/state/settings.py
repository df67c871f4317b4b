"""What a person has set: it outlives the program, in one JSON file of the user's data folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.state.requests import DEMO, DataRequest, ModelRequest
from app.state.stored import (
    flag_of,
    number_of,
    numbers_of,
    one_of,
    read_record,
    record_of,
    text_of,
    texts_of,
    write_record,
)
from app.state.values import CANDIDATE_VIEWS
from qaconv_core.device import PRECISIONS
from qaconv_core.errors import StoreError
from qaconv_core.store.folders import data_dir

log = logging.getLogger(__name__)

THEMES = ("system", "light", "dark")
ARITHMETICS = ("", "fast", "float32")
"""What the settings offer as the precision of feature maps."""
LONGEST_RECENT = 8
FILE_NAME = "settings.json"


@dataclass(frozen=True)
class Settings:
    """Frozen: a change is a new value, which :class:`SettingsFile` writes.

    ``data_folder`` is where named data sets are looked for, ``device`` as in
    :func:`qaconv_core.device.resolve_device`, ``precision`` as in
    :class:`~app.state.requests.ModelRequest`. ``geometry``, ``state`` and ``docks`` are the layout
    of the window and of its page, as base64 text; ``splitters`` sizes in pixels by name.
    ``hints_seen`` names the hints that were dismissed. ``candidates`` is how the candidates are
    shown, ``tile_size`` the height of the grid's pictures, ``panels_hidden`` whether all panels
    were hidden.
    """

    theme: str = "system"
    data_folder: str = ""
    device: str = "auto"
    precision: str = ""
    recent_data: tuple[DataRequest, ...] = ()
    recent_models: tuple[ModelRequest, ...] = ()
    geometry: str = ""
    state: str = ""
    docks: str = ""
    splitters: dict[str, tuple[int, ...]] = field(default_factory=dict)
    hints_seen: tuple[str, ...] = ()
    restore_session: bool = True
    candidates: str = "strip"
    tile_size: int = 112
    panels_hidden: bool = False

    @property
    def bundled(self) -> ModelRequest:
        """The bundled model as it is loaded under these settings."""
        return ModelRequest(device=self.device, precision=self.precision)

    def under(self, request: ModelRequest) -> ModelRequest:
        """A request that leaves the precision open, as it is loaded under these settings."""
        return replace(request, precision=request.precision or self.precision)

    def with_data(self, request: DataRequest) -> Settings:
        """With a data set at the top of the recent ones; the demo is always at hand anyway."""
        if request.name == DEMO and not request.gallery:
            return self
        plain = replace(request, queries=())
        return replace(self, recent_data=_first(plain, self.recent_data))

    def without_data(self, root: Path, opened: DataRequest | None = None) -> Settings:
        """Without recent data sets at a place or below it, and without the one that was
        ``opened`` so."""

        def there(text: str) -> bool:
            return bool(text) and root in (Path(text), *Path(text).parents)

        plain = None if opened is None else replace(opened, queries=())
        kept = (
            request
            for request in self.recent_data
            if not (request == plain or there(str(request.root or "")) or there(request.gallery))
        )
        return replace(self, recent_data=tuple(kept))

    def with_model(self, request: ModelRequest) -> Settings:
        """With a checkpoint at the top of the recent ones."""
        if request.path == DEMO:
            return self
        others = tuple(m for m in self.recent_models if m.path != request.path)
        return replace(self, recent_models=_first(request, others))

    def with_hint_seen(self, name: str) -> Settings:
        """With a hint that is not to be shown again."""
        return replace(self, hints_seen=(*(h for h in self.hints_seen if h != name), name))

    def to_record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "theme": self.theme,
            "data_folder": self.data_folder,
            "device": self.device,
            "precision": self.precision,
            "recent_data": [data_record(request) for request in self.recent_data],
            "recent_models": [model_record(request) for request in self.recent_models],
            "geometry": self.geometry,
            "state": self.state,
            "docks": self.docks,
            "splitters": {name: list(sizes) for name, sizes in self.splitters.items()},
            "hints_seen": list(self.hints_seen),
            "restore_session": self.restore_session,
            "candidates": self.candidates,
            "tile_size": self.tile_size,
            "panels_hidden": self.panels_hidden,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Settings:
        """Whatever of a record makes sense; defaults for the rest."""
        splitters = record_of(record, "splitters")
        return cls(
            theme=one_of(record, "theme", THEMES),
            data_folder=text_of(record, "data_folder"),
            device=text_of(record, "device", "auto") or "auto",
            precision=one_of(record, "precision", ARITHMETICS),
            recent_data=tuple(map(data_of, _records(record, "recent_data")))[:LONGEST_RECENT],
            recent_models=tuple(map(model_of, _records(record, "recent_models")))[:LONGEST_RECENT],
            geometry=text_of(record, "geometry"),
            state=text_of(record, "state"),
            docks=text_of(record, "docks"),
            splitters={name: numbers_of(splitters, name) for name in splitters},
            hints_seen=texts_of(record, "hints_seen"),
            restore_session=flag_of(record, "restore_session", True),
            candidates=one_of(record, "candidates", CANDIDATE_VIEWS),
            tile_size=int(number_of(record, "tile_size", 112, 0, 1000)),
            panels_hidden=flag_of(record, "panels_hidden", False),
        )


def _first(item: Any, items: tuple[Any, ...]) -> tuple[Any, ...]:
    return (item, *(other for other in items if other != item))[:LONGEST_RECENT]


def _records(record: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = record.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def data_record(request: DataRequest) -> dict[str, Any]:
    """A request for a data set, for JSON."""
    return {
        "name": request.name,
        "root": "" if request.root is None else str(request.root),
        "queries": [str(path) for path in request.queries],
        "gallery": request.gallery,
    }


def data_of(record: dict[str, Any]) -> DataRequest:
    """The request that a record stands for; the demo where it says nothing."""
    root = text_of(record, "root")
    return DataRequest(
        name=text_of(record, "name", DEMO) or DEMO,
        root=Path(root) if root else None,
        queries=tuple(map(Path, texts_of(record, "queries"))),
        gallery=text_of(record, "gallery"),
    )


def model_record(request: ModelRequest) -> dict[str, Any]:
    """A request for a checkpoint, for JSON."""
    size = request.input_size
    return {
        "path": request.path,
        "device": request.device,
        "precision": request.precision,
        "input_size": None if size is None else list(size),
    }


def model_of(record: dict[str, Any]) -> ModelRequest:
    """The request that a record stands for; the bundled model where it says nothing."""
    size = numbers_of(record, "input_size")
    return ModelRequest(
        path=text_of(record, "path", DEMO) or DEMO,
        device=text_of(record, "device", "auto") or "auto",
        input_size=(size[0], size[1]) if len(size) == 2 and min(size) > 0 else None,
        precision=one_of(record, "precision", ("", *PRECISIONS)),
    )


class SettingsFile:
    """The settings on disk. Without a folder to write to they last as long as the program."""

    def __init__(self, folder: Path | None = None) -> None:
        self.path: Path | None = None
        try:
            self.path = (folder or data_dir()) / FILE_NAME
        except StoreError as error:
            log.warning("%s; settings are not kept", error)
        self.value = Settings() if self.path is None else Settings.from_record(self._read())

    def _read(self) -> dict[str, Any]:
        assert self.path is not None
        return read_record(self.path)

    def change(self, settings: Settings) -> None:
        """Take new settings and write them; a disk that refuses is a line in the log."""
        if settings == self.value:
            return
        self.value = settings
        if self.path is None:
            return
        try:
            write_record(self.path, settings.to_record())
        except StoreError as error:
            log.warning("%s; settings are not kept", error)
