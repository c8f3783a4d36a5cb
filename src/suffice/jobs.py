"""The inputs and parameters of each job of a study of embeddings: files, settings and versions.

The rules pass these methods to Snakemake, which calls them with a job's wildcards: the names in the path of
its output, such as `dataset` and `model`. Paths are relative to the working folder.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from suffice.analyses.questions.ablations import ablations_in
from suffice.analyses.sources import sources
from suffice.data.look_settings import SAME
from suffice.data.made.base import Maker
from suffice.data.made.registry import FOLDERS, folder_of, maker_of, place_of_made
from suffice.data.paths import paths_of
from suffice.embed.base import Loader
from suffice.embed.identity import library_versions
from suffice.embed.registry import get_loader
from suffice.study.looks import has_embedded_looks
from suffice.study.model import ModelRow, Study
from suffice.study.model_files import files_of_settings
from suffice.study.passes import models_of_pass
from suffice.study.standins import labels_of, place_of_checkpoint, place_of_data
from suffice.tasks.public_scores import files_of_scores
from suffice.workflow import stable

if TYPE_CHECKING:
    from suffice.estimators.base import Estimator

GIVEN_OF_PUBLIC = ("tree", "table", "tasks")


class Names(Protocol):
    """The wildcards of a job; each job has only some of them."""

    dataset: str
    model: str
    target: str
    estimator: str
    training: str
    folder: str
    ablation: str
    shard: str


@dataclass(frozen=True)
class Jobs:
    """Inputs and parameters that jobs of several stages share."""

    study: Study

    @property
    def results(self) -> str:
        """The folder of the study's results."""
        return f"results/{self.study.name}"

    def _made_items(self, names: Names) -> list[str]:
        """The file of the items that the workflow makes for a data set; empty if it makes none."""
        maker = maker_of(self.study.datasets[names.dataset].settings.path)
        return [] if maker is None else [f"{self.results}/corpora/{names.dataset}{maker.suffix}"]

    def _made_folder(self, path: str | None) -> list[str]:
        """The folder that the workflow makes and a path names; empty for other paths."""
        name = folder_of(path)
        return [f"{self.results}/made/{name}"] if name else []

    def looks(self, names: Names) -> list[str]:
        """The pairs of looks of a data set and their manifest; empty with one look."""
        kinds = [] if self.study.datasets[names.dataset].looks.kind == SAME else ["parquet", "json"]
        return [f"{self.results}/looks/{names.dataset}.{kind}" for kind in kinds]

    def vectors_of_looks(self, names: Names) -> list[str]:
        """All models' vectors of looks at one data set; empty if models do not embed looks."""
        return self._of_looks(names.dataset, self.study.models)

    def cards_of_looks(self, names: Names) -> list[str]:
        """The cards of these vectors."""
        return self._of_looks(names.dataset, self.study.models, "json")

    def _of_looks(self, dataset: str, models: Iterable[str], suffix: str = "npy") -> list[str]:
        embedded = models if has_embedded_looks(self.study.datasets[dataset]) else []
        return [f"{self.results}/looks/{dataset}/{model}.{suffix}" for model in embedded]

    def _n_gpus(self, uses_device: bool) -> int:
        """One GPU if the job computes with torch and the study uses GPUs."""
        return int(uses_device and self.study.settings.device == "cuda")


class CorpusJobs(Jobs):
    """Jobs that build a corpus, find two looks at its items, or train a language model on it."""

    def files(self, names: Names) -> list[str]:
        """The files that a data set is read from; empty if it is not read from files."""
        settings = self.study.datasets[names.dataset].settings
        if settings.source != "file" or settings.path is None or settings.is_remote:
            return []
        if maker_of(settings.path) is not None:
            return self._made_items(names)
        return list(map(str, paths_of(settings.path, settings.modality.several_files)))

    def made_by(self, kind: type[Maker]) -> list[str]:
        """The data sets whose items are made by the workflow, by a maker of just this kind."""
        rows = self.study.datasets.items()
        return [name for name, row in rows if type(maker_of(row.settings.path)) is kind]

    def maker(self, names: Names) -> str | None:
        """The path that says what makes a data set."""
        return self.study.datasets[names.dataset].settings.path

    @property
    def made_folders(self) -> list[str]:
        """The folders that the workflow can make."""
        return list(FOLDERS)

    def versions_of_folder(self, names: Names) -> dict[str, str]:
        """Versions of what a folder is made with."""
        return FOLDERS[names.folder].versions()

    def folder_of_maker(self, names: Names) -> list[str]:
        """The folder that a data set is made from; empty if it needs none."""
        maker = maker_of(self.maker(names))
        return [f"{self.results}/made/{maker.needs}"] if maker is not None and maker.needs else []

    def versions_of_maker(self, names: Names) -> dict[str, str]:
        """Versions of what a data set is made from."""
        maker = maker_of(self.maker(names))
        return maker.versions() if maker is not None else {}

    def parts(self, names: Names) -> list[str]:
        """The corpora that a data set joins; empty if it has its own source."""
        parts = self.study.datasets[names.dataset].settings.parts
        return [f"{self.results}/corpora/{part}.parquet" for part in parts]

    def settings(self, names: Names) -> Any:
        """The settings of a data set."""
        return stable(self.study.datasets[names.dataset].settings.model_dump(exclude_unset=True))

    def seed(self, names: Names) -> int:
        """The seed of what is drawn from a data set."""
        return self.study.datasets[names.dataset].seed

    def versions(self, names: Names) -> dict[str, str]:
        """Versions of other sources of a corpus, such as packages; empty for most corpora."""
        settings = self.study.datasets[names.dataset].settings
        if maker_of(settings.path) is not None:
            return {}
        if settings.source == "file":
            return settings.modality.state(settings)
        if settings.source != "api-docs":
            return {}
        from suffice.data.docstrings import package_versions

        return package_versions()

    def kind_of_looks(self, names: Names) -> str:
        """The kind of looks."""
        return self.study.datasets[names.dataset].looks.kind

    def limits_of_looks(self, names: Names) -> dict[str, Any]:
        """The largest number of looks, and whether the study continues with one look if there are too few."""
        looks = self.study.datasets[names.dataset].looks
        return {"max_pairs": looks.max_pairs, "is_wish": looks.is_wish}

    def training_corpus(self, names: Names) -> str:
        """The corpus that a language model is trained on."""
        return f"{self.results}/corpora/{self.study.settings.training[names.training].dataset}.parquet"

    def training_settings(self, names: Names) -> Any:
        """The settings of a training, without its data set and seed."""
        return stable(self.study.settings.training[names.training].model_dump(exclude={"dataset", "seed"}))

    def training_seed(self, names: Names) -> int:
        """The seed of a training."""
        return self.study.settings.training[names.training].seed

    def training_gpus(self, names: Names) -> int:
        """The number of GPUs for a training."""
        return self._n_gpus(uses_device=True)


class EmbeddingJobs(Jobs):
    """Jobs that embed the items of a data set with a model, in one job or in blocks."""

    @property
    def with_looks(self) -> list[str]:
        """The data sets whose looks are embedded in addition to the items."""
        return [name for name, row in self.study.datasets.items() if has_embedded_looks(row)]

    @property
    def without_looks(self) -> list[str]:
        """All other data sets."""
        return [name for name in self.study.datasets if name not in self.with_looks]

    def files(self, names: Names) -> list[str]:
        """The files that a model's loader reads besides the corpus: the user's, or those of earlier jobs."""
        return [*self._made_items(names), *self._files_of_model(names)]

    def _files_of_model(self, names: Names) -> list[str]:
        """The files that its row names."""
        model = self.study.models[names.model]
        if model.training:
            return [f"{self.results}/checkpoints/{model.training[0]}"]
        if model.is_standin:
            return [place_of_checkpoint(self.results, model.name)]
        if model.made:
            return sorted({folder for path in model.made.values() for folder in self._made_folder(path)})
        if model.base_models:
            return [f"{self.results}/embeddings/{names.dataset}/{base}.npy" for base in model.base_models]
        return files_of_settings(model.settings_for(names.dataset))

    def shards(self, names: Names) -> list[str]:
        """The blocks that a model's vectors are joined from; empty if one job makes all vectors."""
        n_shards = self.study.datasets[names.dataset].shards
        if n_shards == 1 or not self._loader(names).uses_device:
            return []
        folder = f"{self.results}/shards/{names.dataset}/{names.model}"
        return [f"{folder}/{shard}-of-{n_shards}.npy" for shard in range(n_shards)]

    def facts_of_shards(self, names: Names) -> list[str]:
        """The card and costs of each block."""
        return [f"{path.removesuffix('npy')}json" for path in self.shards(names)]

    def looks(self, names: Names) -> list[str]:
        """The pairs of looks and their manifest, if models embed the looks."""
        return super().looks(names) if names.dataset in self.with_looks else []

    def looks_of_bases(self, names: Names) -> list[str]:
        """The vectors of looks by the models that a model is made from."""
        return self._of_looks(names.dataset, self.study.models[names.model].base_models)

    def shards_of_looks(self, names: Names) -> list[str]:
        """The blocks that the vectors of looks are joined from."""
        shards = self.shards(names) if names.dataset in self.with_looks else []
        return [f"{path.removesuffix('npy')}looks.npy" for path in shards]

    def facts_of_look_shards(self, names: Names) -> list[str]:
        """The card and costs of each of these blocks."""
        return [f"{path.removesuffix('npy')}json" for path in self.shards_of_looks(names)]

    def kind(self, names: Names) -> str:
        """The kind of a model's loader."""
        return self.study.models[names.model].kind

    def settings(self, names: Names) -> Any:
        """The settings of a model's loader."""
        return stable(loader_settings(self.study.models[names.model], names.dataset, self.results))

    def versions(self, names: Names) -> dict[str, str]:
        """Versions of the libraries that compute a model's vectors."""
        return library_versions(self._loader(names))

    def seed(self, names: Names) -> int:
        """The seed of a model."""
        return self.study.seed_of(names.model)

    def gpus(self, names: Names) -> int:
        """The number of GPUs to embed; 0 if the job only joins blocks."""
        return 0 if self.shards(names) else self.gpus_of_shard(names)

    def gpus_of_shard(self, names: Names) -> int:
        """The number of GPUs to embed one block."""
        return self._n_gpus(self._loader(names).uses_device)

    def one_pass(self, names: Names, code_of: Callable[[str], str]) -> dict[str, Any]:
        """The models that can share a model's forward pass; see `suffice.study.passes`."""
        settings_of = partial(loader_settings, dataset=names.dataset, results=self.results)
        return models_of_pass(self.study, names.model, settings_of, code_of)

    def failure(self, names: Names) -> str:
        """Path of the record of a model that fails."""
        return f"{self.results}/failed/{names.dataset}/{names.model}.json"

    def failure_of_shard(self, names: Names) -> str:
        """The same for one block of a model's vectors."""
        return f"{self.results}/failed/{names.dataset}/{names.model}.shard-{names.shard}.json"

    def _loader(self, names: Names) -> type[Loader[Any]]:
        return get_loader(self.study.models[names.model].kind)


class PairJobs(Jobs):
    """Jobs that prepare a model for an estimator, or estimate the pairs of one target or of all targets."""

    @property
    def with_shared_work(self) -> list[str]:
        """The estimators of which one job prepares all models and estimates all pairs."""
        return [name for name in self.study.all_estimators if self._family(name).shares_work]

    @property
    def without_shared_work(self) -> list[str]:
        """The estimators that have a job for each model to prepare, and for each target."""
        return [name for name in self.study.all_estimators if not self._family(name).shares_work]

    def target(self, names: Names) -> list[str]:
        """The target of a job, as a list of one."""
        return [names.target]

    def looks_of_model(self, names: Names) -> list[str]:
        """One model's vectors of looks at one data set; empty if models do not embed looks."""
        return self._of_looks(names.dataset, [names.model])

    def estimator(self, names: Names) -> Any:
        """Kind and settings of an estimator."""
        choice = self.study.all_estimators[names.estimator]
        return stable({"kind": choice.kind, "settings": choice.settings})

    def gpus(self, names: Names) -> int:
        """The number of GPUs for an estimator."""
        return self._n_gpus(self._family(names.estimator).uses_device)

    def failure(self, names: Names) -> str:
        """Path of the record of a model that fails: one file per estimator, as they run together."""
        return f"{self.results}/failed/{names.dataset}/{names.model}.{names.estimator}.json"

    def failures(self, names: Names) -> list[str]:
        """The same for each model, in the order of the study."""
        return [
            f"{self.results}/failed/{names.dataset}/{model}.{names.estimator}.json"
            for model in self.study.models
        ]

    def _family(self, estimator: str) -> type["Estimator[Any]"]:
        from suffice.estimators.registry import get_estimator

        return get_estimator(self.study.all_estimators[estimator].kind)


class RankingJobs(Jobs):
    """Jobs that rank models, or measure baselines."""

    @property
    def public_baseline(self) -> list[str]:
        """The table of public scores that are a baseline; empty if they are tasks or there are none."""
        public = self.study.settings.public_scores
        is_baseline = public is not None and public.role == "baseline"
        return [f"{self.results}/public_scores/tasks.csv"] if is_baseline else []


class TaskJobs(Jobs):
    """Jobs that try a model on the study's tasks, and the one that reads public scores."""

    def vectors(self, names: Names) -> list[str]:
        """One model's vectors of the data sets that have tasks."""
        folder = f"{self.results}/embeddings"
        return [f"{folder}/{dataset}/{names.model}.npy" for dataset in self.study.task_datasets]

    @property
    def corpora(self) -> list[str]:
        """The corpora that have tasks."""
        return [f"{self.results}/corpora/{dataset}.parquet" for dataset in self.study.task_datasets]

    @property
    def settings(self) -> Any:
        """Data set and settings of each task."""
        tasks = self.study.tasks.values()
        return stable({row.name: [row.dataset, row.settings.model_dump(exclude_unset=True)] for row in tasks})

    def public_files(self, names: Names) -> list[str]:
        """The files of public scores; for a folder, they are listed when the job is planned."""
        public = self.study.settings.public_scores
        assert public is not None  # only studies with public scores plan this job
        called = list(self._public_names().values())
        files = files_of_scores(Path(public.tree), called, public.tasks) if public.tree else []
        table = self._made_folder(public.table) or ([public.table] if public.table else [])
        return [*map(str, files), *table]

    def public_settings(self, names: Names) -> Any:
        """The paths of public scores, their tasks, and the name of each model there."""
        public = self.study.settings.public_scores
        assert public is not None  # as above
        models = self._public_names()
        revisions = {name: self.study.models[name].settings.get("revision") for name in models}
        pinned = {name: revision for name, revision in revisions.items() if revision}
        given = {key: getattr(public, key) for key in GIVEN_OF_PUBLIC}
        if folder_of(public.table):
            given["table"] = place_of_made(self.results, str(public.table))
        return stable({**given, "models": models, "revisions": pinned if public.same_revision else {}})

    def _public_names(self) -> dict[str, str]:
        rows = self.study.models.values()
        return {row.name: row.public_name for row in rows if row.public_name}


class AnalysisJobs(Jobs):
    """Jobs that answer questions about a ranking, or draw its figures."""

    def read_by(self, readers: Iterable[Iterable[str]]) -> dict[str, Callable[[Any], list[str]]]:
        """For each table that some analyses or figures read, the function that returns a job's files."""
        return {name: partial(self._source, name) for names in readers for name in names}

    @property
    def models(self) -> list[dict[str, Any]]:
        """Name, family, and training with its step of each model."""
        rows = self.study.models.values()
        return [{"model": row.name, "family": row.family, "training": row.stage} for row in rows]

    def _source(self, name: str, wildcards: Any) -> list[str]:
        """The files of one kind; a job for all rankings of a data set has no wildcard `estimator`."""
        ranking = wildcards.get("estimator", "")
        return sources(self.study, self.results, wildcards.dataset, ranking)[name]


class AblationJobs(Jobs):
    """Jobs that vary one thing at a time."""

    def rankings_of_ablation(self, names: Names) -> list[str]:
        """The ranking by each variant of an estimator."""
        variants = ablations_in(self.study.settings)[names.ablation].variants(names.ablation)
        return [f"{self.results}/ranking/{names.dataset}/{variant}.csv" for variant in variants]

    def values_of_ablation(self, names: Names) -> list[str]:
        """The values of the setting that is varied."""
        return list(map(str, ablations_in(self.study.settings)[names.ablation].values))

    def rankings_of_estimator(self, names: Names) -> list[str]:
        """The ranking of each data set by one estimator."""
        datasets = self.study.compared_datasets
        return [f"{self.results}/ranking/{dataset}/{names.estimator}.csv" for dataset in datasets]

    @property
    def ranking(self) -> Any:
        """The settings of the first ranking: the arguments of `suffice.rank`."""
        first = self.study.estimators_of(next(iter(self.study.rankings)))
        estimators = {each.kind: each.settings for each in first}
        settings, targets = self.study.settings, self.study.targets_of(first[0].name)
        run = {"seed": settings.seed, "device": settings.device, "targets": targets}
        summary = settings.ranking.model_dump(include={"aggregate", "self_pairs"})
        return stable({**summary, **run, "estimator": estimators})

    @property
    def files(self) -> list[str]:
        """The tables of all ablations that the study can have, and their figure."""
        study = self.study
        of_dataset = ["items.csv", *(f"settings.{name}.csv" for name in ablations_in(study.settings))]
        of_dataset += ["curves.png"] if study.has_tasks else []
        varied = (["pool"] if study.has_tasks else []) + (["versions"] if study.versions else [])
        of_dataset += [f"{name}.{ranking}.csv" for name in varied for ranking in study.shown_rankings]
        files = [f"{dataset}/{name}" for dataset in study.ranked_datasets for name in of_dataset]
        if len(study.compared_datasets) > 1:
            files += [f"datasets.{ranking}.csv" for ranking in study.shown_rankings]
        return [f"{self.results}/ablations/{name}" for name in files]


class StandinJobs(Jobs):
    """Jobs that make stand-ins for the hub's data sets and checkpoints."""

    @property
    def tables(self) -> list[str]:
        """The tables of stand-in data sets, with the wildcard `study`."""
        rows = self.study.datasets.values()
        return [place_of_data("results/{study}", row.name) for row in rows if row.is_standin]

    @property
    def checkpoints(self) -> list[str]:
        """The folders of stand-in checkpoints, with the wildcard `study`."""
        rows = self.study.models.values()
        return [place_of_checkpoint("results/{study}", row.name) for row in rows if row.is_standin]

    @property
    def datasets(self) -> list[list[Any]]:
        """Name, settings and columns of labels of each data set that needs a stand-in."""
        rows = [row for row in self.study.datasets.values() if row.is_standin]
        settings = [stable(row.settings.model_dump(exclude_unset=True)) for row in rows]
        labels = [labels_of(self.study, row.name) for row in rows]
        return [[row.name, *told] for row, *told in zip(rows, settings, labels, strict=True)]

    @property
    def models(self) -> list[list[Any]]:
        """Architecture, loader and seed of each model that needs a stand-in."""
        rows = [row for row in self.study.models.values() if row.is_standin]
        return [[row.architecture, row.kind, self.study.seed_of(row.name)] for row in rows]


def loader_settings(model: ModelRow, dataset: str, results: str) -> dict[str, Any]:
    """The settings of a model's loader for one data set, with the paths of files that the workflow makes."""
    made = {}
    if model.training:
        made["checkpoint"] = f"{results}/checkpoints/{model.training[0]}/step-{model.training[1]}"
    if model.is_standin:
        made["checkpoint"] = place_of_checkpoint(results, model.name)
    made |= {key: place_of_made(results, path) for key, path in model.made.items()}
    if model.base_models:
        made["path"] = ",".join(f"{results}/embeddings/{dataset}/{name}.npy" for name in model.base_models)
    return model.settings_for(dataset) | made
