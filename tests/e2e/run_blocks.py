"""What ``torchrun`` starts in the tests: ``qaconv`` with blocks so small that all get some."""

from __future__ import annotations

from qaconv_core.cli import main
from qaconv_core.matching import plan
from tests.group_threads import leave

if __name__ == "__main__":
    plan.QUERY_BLOCK, plan.GALLERY_BLOCK = 3, 8
    plan.tile_maps = lambda cells: 4
    leave(main())
