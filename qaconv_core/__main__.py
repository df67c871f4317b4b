"""``python -m qaconv_core`` is ``qaconv``."""

from __future__ import annotations

import sys

from qaconv_core.cli import program

if __name__ == "__main__":
    sys.exit(program())
