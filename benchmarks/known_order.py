"""Does a ranking recover a known order, and from which step on? Kendall's tau over draws of chains.

Every chain has five models of 64 dimensions and 2,000 items; the steps between neighbours are given in
nats per dimension of information about the signal. Chains of rotations must come out tied.

    python benchmarks/known_order.py --estimators linear,gaussian --draws 100
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from suffice.kinds.calibration.chains import CHAINS, ROTATION, ChainSize
from suffice.kinds.calibration.evaluate import Row, evaluate_chain
from suffice.kinds.calibration.tables import order_table
from suffice.study.model import EstimatorChoice

TABLE = Path(__file__).resolve().parent / "known_order.csv"
N_MODELS, DIM, N_ITEMS = 5, 64, 2000
STEPS = (0.02, 0.05, 0.1)


def rows_of(estimator: str, n_draws: int, chosen: list[float]) -> Iterator[Row]:
    """Every chain and step, both aggregates."""
    choice = EstimatorChoice(estimator, estimator, {})
    for kind in CHAINS:
        for step in chosen[-1:] if kind == ROTATION else chosen:
            size = ChainSize(N_MODELS, DIM, N_ITEMS, step)
            for draw in range(n_draws):
                yield from evaluate_chain(kind, size, choice, draw)


def main() -> None:
    """Write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--estimators", default="linear", help="names, separated by commas")
    parser.add_argument("--draws", type=int, default=100, help="draws of each chain and step")
    parser.add_argument("--steps", type=float, nargs="+", default=list(STEPS), help="nats per dimension")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table to write")
    options = parser.parse_args()
    rows = [
        row for name in options.estimators.split(",") for row in rows_of(name, options.draws, options.steps)
    ]
    table = order_table(pd.DataFrame(rows)).round(4)
    table.to_csv(options.out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
