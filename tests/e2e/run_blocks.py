"""What ``torchrun`` starts in the tests: ``qaconv`` with blocks so small that all get some.

Threads of the group that outlive it fail the test, where the system lists them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from qaconv_core.cli import main
from qaconv_core.matching import plan


def threads_of_gloo() -> list[str]:
    """Names of the group's threads that are still there; they can abort a process at its exit."""
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return [name for name in names if "gloo" in name]


if __name__ == "__main__":
    plan.QUERY_BLOCK, plan.GALLERY_BLOCK = 3, 8
    plan.tile_maps = lambda cells: 4
    status = main()
    sys.exit(f"outlive their group: {left}" if (left := threads_of_gloo()) else status)
