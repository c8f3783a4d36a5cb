"""`suffice explain`: show what one model's vectors miss about another's."""

import argparse
from pathlib import Path

from suffice.commands import Commands

PLACE = 10
EXAMPLES = """  suffice explain vectors/small.npy vectors/large.npy --items texts.txt
      show what the first model's vectors miss about the second's
"""


def add(commands: Commands) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "explain",
        help="show what one model's vectors miss about another's",
        description="Print the directions of the target that the source cannot predict, described by the "
        "items at their ends, and the items with the largest loss in nats. Uses linear regression.",
    )
    command.add_argument("source", type=Path, help="file of the source's vectors, as for rank")
    command.add_argument("target", type=Path, help="file of the target's, the same items in the same order")
    command.add_argument("--items", type=Path, help="text file with one line per item, its name")
    command.add_argument(
        "--directions", type=int, default=8, metavar="N", help="directions to print (default: %(default)s)"
    )
    command.add_argument(
        "--seed", type=int, default=0, help="seed for dividing the items (default: %(default)s)"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print both tables."""
    from suffice.analyses.explain import explain_pair
    from suffice.data.text_files import read_lines
    from suffice.embed.inputs import read_pair

    source, target, joined = read_pair(options.source, options.target)
    items = None if options.items is None else joined.of_first(read_lines(options.items))
    found = explain_pair(source, target, items, options.directions, seed=options.seed)
    print("".join(f"{note}\n" for note in joined.notes), end="")
    print(f"what {options.source.stem} misses about {options.target.stem}")
    print(found.directions.to_string(index=False, float_format="%.4f"))
    print(f"\nitems, {found.mean_item_nats:.4f} nats on average")
    print(found.items.to_string(index=False, float_format="%.4f"))
