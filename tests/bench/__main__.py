"""Measures every budget and writes build/bench.json; status 1 when one is broken."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from infra.package import build
from tests.bench import calls, cold_start, intake, tagging

RESULT: Final = Path("build/bench.json")

#: Name -> the least or the most it may be (docs of each in its module).
AT_MOST: Final = {
    "aws_calls_per_message": 6, "aws_calls_per_claim": 4, "aws_calls_per_claim_100000": 4,
    "aws_calls_per_claim_100000_most": 4, "package_unzipped_mb": 130, "tag_p50_ms": 0.15,
    "tag_1500_chars_ms": 3, "model_mb": 1.5, "load_ms": 150,
}  # fmt: skip
AT_LEAST: Final = {
    "cold_start_ratio": 2.5, "cold_start_ratio_plain": 8, "tag_speedup_vs_sklearn": 10, "parse_mails_per_s": 400,
    "parse_ratio_policy_default": 1.5, "parse_ratio_imap_tools": 0.3, "intake_mails_per_s": 250,
}  # fmt: skip


def package_sizes() -> dict[str, float]:
    """Size of what goes to AWS, in megabytes of a million bytes."""
    report = build()
    return {
        "package_unzipped_mb": round(report.unzipped / 1e6, 1),
        "package_zipped_mb": round(report.zipped / 1e6, 1),
    }


PARTS: Final[dict[str, Callable[[], dict[str, float]]]] = {
    "package": package_sizes,
    "calls": calls.measure,
    "tagging": tagging.measure,
    "intake": intake.measure,
    "cold-start": cold_start.measure,
}


def main() -> int:
    """Measures the asked parts, keeps what stood in the file of the others, and tells what is over budget."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure (default: all)")
    wanted = parser.parse_args().parts or list(PARTS)
    found: dict[str, object] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for part in wanted:
        started = time.monotonic()
        print(f"{part} …", flush=True)
        found |= PARTS[part]()
        print(f"  {time.monotonic() - started:.0f} s", flush=True)
    found["machine"] = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")
    return _told(found)


def _told(found: dict[str, object]) -> int:
    broken = 0
    for name, value in sorted(found.items()):
        most, least = AT_MOST.get(name), AT_LEAST.get(name)
        good = not isinstance(value, int | float) or (
            (most is None or value <= most) and (least is None or value >= least)
        )
        budget = f"<= {most}" if most is not None else f">= {least}" if least is not None else ""
        print(f"  {'   ' if good else 'BAD'} {name:<32} {value!s:>12}  {budget}")
        broken += not good
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
