"""Command `package`: the deployment package, and the proof of it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.policy import PolicyError
from infra.package import OUT, BuildError, build, describe

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_commands(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `package` to the command line."""
    parser = subparsers.add_parser("package", help="build the deployment package and prove what is in it")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where to (default: build/package)")
    parser.add_argument("--no-verify", action="store_true", help="build only")
    parser.set_defaults(run=package)


def package(args: argparse.Namespace) -> int:
    """Build, then verify. Status 2 where something of ours stops the build, 1 where the proof fails."""
    try:
        print(describe(build(args.out.resolve())))
    except (BuildError, PolicyError) as error:
        print(error, file=sys.stderr)
        return 2
    if args.no_verify:
        return 0
    from infra.verify import table_of, verify

    findings = verify(args.out.resolve())
    print(table_of(findings))
    return 0 if all(finding.good for finding in findings) else 1
