"""Decides again and again, and says so: ``python decide_often.py FILE NAME COUNT``."""

from __future__ import annotations

import sys

from qaconv_core.store.decisions import DecisionLog

if __name__ == "__main__":
    path, name, count = sys.argv[1:]
    log = DecisionLog("set", "/nowhere", path)
    for number in range(int(count)):
        log.decide(name, f"g{number}", "confirm")
        print(number, flush=True)
