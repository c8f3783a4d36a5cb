"""Fetch all that a study needs from the network into local caches, so that its jobs can run offline."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from suffice.data.build import fetch_dataset
from suffice.embed.registry import build_loader
from suffice.errors import SufficeError
from suffice.secrets import without_secrets
from suffice.study.model import Study
from suffice.study.read import datasets_named_by


@dataclass(frozen=True)
class Fetched:
    """The outcome for one model or data set.

    Attributes:
        what: "model NAME" or "data set NAME".
        said: what is now in the cache, or why it is missing.
        failed: whether it is missing.
    """

    what: str
    said: str
    failed: bool = False


def fetch_study(study: Study) -> Iterator[Fetched]:
    """Fetch each model and data set of a study that comes from the hub or by URL, one after the other.

    Whatever is already in the cache is not fetched again. A failure does not stop the others.
    """
    for row in study.datasets.values():
        if not row.is_standin:
            yield from _tried(f"data set {row.name}", lambda row=row: fetch_dataset(row.settings))  # type: ignore[misc]
    for model in study.models.values():
        if model.training or model.base_models or model.is_standin:
            continue
        for dataset in datasets_named_by(model, study):
            settings = model.settings_for(dataset)
            loader = build_loader(model.kind, settings, study.seed_of(model.name), study.settings.device)
            yield from _tried(f"model {model.name}", loader.fetch)


def _tried(what: str, fetch: Callable[[], str | None]) -> Iterator[Fetched]:
    try:
        said = fetch()
    except SufficeError as error:
        yield Fetched(what, str(error), failed=True)
    else:
        if said is not None:
            yield Fetched(what, without_secrets(said))
