"""What a person has set: it outlives the program, in one JSON file of the user's data folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.state.requests import DEMO, CaseRequest, DataRequest, ModelRequest
from app.state.stored import Limits, fitting, plain, read_record, write_record
from app.state.values import CANDIDATE_VIEWS
from qaconv_core.device import PRECISIONS
from qaconv_core.errors import StoreError
from qaconv_core.store.folders import data_dir

log = logging.getLogger(__name__)

THEMES = ("system", "light", "dark")
ARITHMETICS = ("", "fast", "float32")
"""What the settings offer as the precision of feature maps."""
LONGEST_RECENT = 8
REQUEST_LIMITS: Limits = {"input_size": (1, 1 << 20), "precision": ("", *PRECISIONS)}
LIMITS: Limits = {
    **REQUEST_LIMITS,
    "theme": THEMES,
    "candidates": CANDIDATE_VIEWS,
    "tile_size": (0, 1000),
    "gallery_sort": ("camera", "time", "name"),
    "gallery_size": (0, 1000),
}
"""What the fields of the settings may hold; see :func:`~app.state.stored.fitting`."""
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
    were hidden. ``gallery_sort`` and ``gallery_size`` are order and height of the pictures of the
    page Gallery; an order by likeness is not kept, as it has to be computed.
    """

    theme: str = "system"
    data_folder: str = ""
    device: str = "auto"
    precision: str = ""
    recent_data: tuple[DataRequest, ...] = ()
    recent_models: tuple[ModelRequest, ...] = ()
    recent_cases: tuple[CaseRequest, ...] = ()
    geometry: str = ""
    state: str = ""
    docks: str = ""
    splitters: dict[str, tuple[int, ...]] = field(default_factory=dict)
    hints_seen: tuple[str, ...] = ()
    restore_session: bool = True
    candidates: str = "strip"
    tile_size: int = 112
    gallery_sort: str = "camera"
    gallery_size: int = 128
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

    def without_lost_cases(self) -> Settings:
        """Without recent cases whose file is not there any more."""
        kept = tuple(request for request in self.recent_cases if request.path.exists())
        return replace(self, recent_cases=kept)

    def with_model(self, request: ModelRequest) -> Settings:
        """With a checkpoint at the top of the recent ones."""
        if request.path == DEMO:
            return self
        others = tuple(m for m in self.recent_models if m.path != request.path)
        return replace(self, recent_models=_first(request, others))

    def with_case(self, request: CaseRequest) -> Settings:
        """With a case at the top of the recent ones."""
        return replace(self, recent_cases=_first(request, self.recent_cases))

    def with_hint_seen(self, name: str) -> Settings:
        """With a hint that is not to be shown again."""
        return replace(self, hints_seen=(*(h for h in self.hints_seen if h != name), name))

    def to_record(self) -> dict[str, Any]:
        """For JSON."""
        record: dict[str, Any] = plain(self)
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Settings:
        """Whatever of a record makes sense; defaults for the rest."""
        found = fitting(cls(), record, LIMITS)
        return replace(
            found,
            precision=found.precision if found.precision in ARITHMETICS else "",
            recent_data=found.recent_data[:LONGEST_RECENT],
            recent_models=found.recent_models[:LONGEST_RECENT],
            recent_cases=found.recent_cases[:LONGEST_RECENT],
        )


def _first(item: Any, items: tuple[Any, ...]) -> tuple[Any, ...]:
    return (item, *(other for other in items if other != item))[:LONGEST_RECENT]


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
