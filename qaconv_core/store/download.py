"""Fetches one file from the internet: checked, with progress, and resumed where it broke off.

Nothing in the program calls this unless a person asked for that file.
"""

from __future__ import annotations

import http.client
import os
import urllib.request
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from qaconv_core.errors import StoreError
from qaconv_core.files import file_sha256
from qaconv_core.progress import NO_CONTEXT, WorkContext
from qaconv_core.readable import shown
from qaconv_core.store.atomic import reason
from qaconv_core.store.locks import exclusive

PART = ".part"
"""Suffix of a file that has not arrived whole."""
_BLOCK = 1 << 18
_TIMEOUT = 30.0
_LARGEST = 4 << 30
_SCHEMES = ("https", "http")


def download(url: str, target: Path, sha256: str = "", context: WorkContext = NO_CONTEXT) -> Path:
    """Fetch ``url`` into the file ``target``; ``sha256`` is the hash or how it begins.

    What has arrived stays in ``target`` + :data:`PART` when the connection breaks or ``context``
    cancels, and the next call goes on from there. A file that is there and has the hash is not
    fetched again. Raises :class:`StoreError` in one line that names the address and the way out.
    """
    if urlsplit(url).scheme not in _SCHEMES:
        raise StoreError(f"{shown(url)}: only addresses that begin with https:// are fetched")
    with exclusive(target):
        if target.is_file() and sha256 and file_sha256(target).startswith(sha256):
            return target
        part = target.with_name(target.name + PART)
        try:
            _fetch(url, part, context)
            found = file_sha256(part)
            if not found.startswith(sha256):
                part.unlink()
                raise StoreError(
                    f"{shown(url)}: the file that came is not the published one (SHA-256 "
                    f"{found[:16]}…, expected {sha256}…); it was deleted; try again"
                )
            os.replace(part, target)
        except HTTPError as error:
            raise StoreError(
                f"{shown(url)}: the server says {error.code} {shown(error.reason)}; try again "
                "later, or look at its page"
            ) from error
        except (URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise StoreError(
                f"{shown(url)}: the connection failed ({_why(error)}); what has arrived is kept, "
                "the same command goes on from there"
            ) from error
        except OSError as error:
            raise StoreError(f"{target}: cannot be written ({reason(error)})") from error
    return target


def _fetch(url: str, part: Path, context: WorkContext) -> None:
    """Append what is missing of ``url`` to ``part``."""
    there = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "qaconv-explorer", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=_TIMEOUT
        )
    except HTTPError as error:
        if error.code == 416 and there:  # nothing is missing, or it is another file by now
            return
        raise
    with answer:
        goes_on = answer.status == 206 and _begins_at(answer.headers.get("Content-Range"), there)
        length = answer.headers.get("Content-Length", "")
        total = (there if goes_on else 0) + int(length) if length.isdigit() else None
        if total is not None and total > _LARGEST:
            raise StoreError(f"{shown(url)}: {total:,} bytes; no weights file is that large")
        with part.open("ab" if goes_on else "wb") as stream:
            _copy(answer, stream, there if goes_on else 0, total, context)


def _copy(
    answer: BinaryIO, stream: BinaryIO, there: int, total: int | None, context: WorkContext
) -> None:
    tracker = context.tracker("downloading", total, "bytes")
    if there:
        tracker.advance(there)
    done = there
    while block := answer.read(_BLOCK):
        stream.write(block)
        stream.flush()
        done += len(block)
        if done > _LARGEST:
            raise StoreError("the server sends without end; stopped")
        tracker.advance(len(block))
    if total is not None and done < total:
        raise ConnectionError(f"it ended after {done:,} of {total:,} bytes")


def _begins_at(content_range: str | None, place: int) -> bool:
    """Whether a part of a file begins where ours ends (``bytes 200-999/1000``)."""
    return (content_range or "").replace("bytes ", "").partition("-")[0].strip() == str(place)


def _why(error: Exception) -> str:
    inner = getattr(error, "reason", None) or error
    return shown(" ".join(str(inner).split())[:120] or type(error).__name__)
