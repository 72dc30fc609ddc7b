"""`python -m pipeline gc`: list what no dataset needs any more; delete it only with --yes."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from pipeline.console import size
from pipeline.errors import PipelineError
from pipeline.removal import check_nobody_is_at_work, remove
from pipeline.store_lock import lock_holders, store_lock
from pipeline.unneeded import Unneeded, find_unneeded, stored_bytes

DAYS = 7.0
MOST_LISTED = 20


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("gc", help="list what no dataset needs any more; delete it only with --yes")
    parser.add_argument("--store", default="store", help="folder of everything that is made")
    parser.add_argument("--yes", action="store_true", help="delete what is listed")
    parser.add_argument("--all", action="store_true", help=f"list everything, not only {MOST_LISTED} of each kind")
    parser.add_argument(
        "--days",
        type=float,
        default=DAYS,
        help=f"keep what a run without a dataset left until it has not changed for so long ({DAYS:g})",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what may go with its size, and why; with --yes, delete it."""
    store = Path(options.store).resolve()
    if not store.is_dir():
        raise PipelineError(f"{store} is no folder; name a store with --store")
    if options.days < 0:
        raise PipelineError(f"--days must be 0 or more, but {options.days:g} came")
    most = sys.maxsize if options.all else MOST_LISTED
    if not options.yes:
        if _list(find_unneeded(store, days=options.days), store, most=most):
            print("nothing was deleted; --yes deletes it")
        if held := lock_holders(store):
            print(f"a run is at work ({', '.join(held)}): this may change, and --yes would be refused")
        return 0
    # While the lock is held no dataset can be published, so that what is found stays unneeded.
    check_nobody_is_at_work(store)
    with store_lock(store, "render"):
        check_nobody_is_at_work(store, own="render")
        found = find_unneeded(store, days=options.days)
        _list(found, store, most=most)
        remove([one.path for one in found], store)
    if found:
        print("deleted")
    return 0


def _list(found: list[Unneeded], store: Path, *, most: int) -> int:
    """Print a line for each thing, at most so many of a kind, and the sum by kind; returns how many there are."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for one in found:
        content = stored_bytes(one.path)
        counts[one.kind] += 1
        sizes[one.kind] += content
        if counts[one.kind] <= most:
            print(f"{one.kind:10s} {size(content):>9s}  {one.path.relative_to(store)}  ({one.why})")
    for kind, count in counts.items():
        if count > most:
            print(f"{kind:10s} and {count - most} more; --all shows them")
    parts = [f"{count} of kind {kind}, {size(sizes[kind])}" for kind, count in counts.items()]
    total = f"; {size(sum(sizes.values()))} in all" if found else ""
    print(f"not needed in {store}: {'; '.join(parts) or 'nothing'}{total}")
    return len(found)
