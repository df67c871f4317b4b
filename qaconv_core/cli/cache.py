"""``qaconv cache``: how much the stored feature maps take, and how to be rid of them."""

from __future__ import annotations

import argparse

from qaconv_core.cli.options import show
from qaconv_core.errors import InputError
from qaconv_core.progress import CancelToken
from qaconv_core.readable import json_text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``qaconv cache``."""
    parser.add_argument(
        "--clear",
        nargs="?",
        const="all",
        metavar="KEY",
        help="remove all stored feature maps, or those of the model whose key begins so",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Show or clear the feature store."""
    from qaconv_core.device import format_bytes
    from qaconv_core.store.features import FeatureStore

    store = FeatureStore()
    shelves = store.sizes()
    if arguments.clear is not None:
        keys = [
            s.key for s in shelves if arguments.clear == "all" or s.key.startswith(arguments.clear)
        ]
        if not keys and arguments.clear != "all":
            raise InputError(f"no stored model has a key beginning with {arguments.clear!r}")
        freed = sum(store.clear(key) for key in keys)
        show(f"{format_bytes(freed)} freed")
        return
    total = sum(shelf.bytes for shelf in shelves)
    if arguments.json:
        listed = [
            {
                "key": s.key,
                "model": s.description,
                "images": s.images,
                "bytes": s.bytes,
                "last_used": s.last_used,
            }
            for s in shelves
        ]
        record = {"folder": str(store.root), "bytes": total, "models": listed}
        show(json_text(record))
        return
    show(f"{store.root}: {format_bytes(total)}")
    for s in shelves:
        show(
            f"  {s.key[:12]}  {s.images:>9,} pictures  {format_bytes(s.bytes):>10}  {s.description}"
        )
