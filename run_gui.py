"""Opens the window: ``python run_gui.py`` is ``qaconv gui`` (see ``python run_gui.py --help``)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

if __name__ == "__main__":
    from qaconv_core.cli import program

    sys.exit(program(["gui", *sys.argv[1:]]))
