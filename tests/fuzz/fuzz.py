"""Fuzzes all targets in turn, with new inputs each time: ``make fuzz SECONDS=3600``."""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from fuzz_targets import TARGETS
from hypothesis import HealthCheck, seed, settings

EXAMPLES = 300


def main() -> int:
    """Prints each finding once and returns 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--only", help="part of a target's name")
    arguments = parser.parse_args()
    targets = {name: run for name, run in TARGETS.items() if not arguments.only or arguments.only in name}
    end = time.monotonic() + arguments.seconds
    found: dict[str, str] = {}
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        for name, target in targets.items():
            if name in found or time.monotonic() > end:
                continue
            how = settings(
                max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
            )
            try:
                seed(random.getrandbits(64))(target(how))()
            except Exception as error:
                lines = [*traceback.format_exception(error), *getattr(error, "__notes__", [])]
                found[name] = "".join(lines)[-4000:]
                print(f"--- {name} ---\n{found[name]}", flush=True)
    print(f"{rounds} rounds of {EXAMPLES} inputs for {len(targets)} targets: {len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
