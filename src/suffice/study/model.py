"""The content of a study, with every default and description; the manual and the schemas are made from it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model, field_validator, model_validator

from suffice.analyses.registry import fields_of_keys
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.look_settings import LookChoice, LookSettings
from suffice.data.paths import MADE_PREFIX
from suffice.embed.registry import get_loader
from suffice.embed.training.masked_language_model import MaskedLanguageModelSettings
from suffice.ranking.settings import RankingSettings
from suffice.ranking.targets import check_targets, choose_targets
from suffice.seeds import derive_seed
from suffice.settings import Settings
from suffice.study.estimators import COMBINES, EstimatorChoice
from suffice.tasks.settings import PublicScoresSettings, TaskSettings

TRAINED_PREFIX = "trained:"
MODEL_PREFIX = "model:"
DATASET_PLACEHOLDER = "{dataset}"


class TrainingSettings(MaskedLanguageModelSettings):
    """A small masked language model that the workflow trains on one of the study's data sets."""

    dataset: str = Field(description="data set of the study that the model is trained on")
    seed: int = Field(0, ge=0, description="seed of the weights, the order of items and those held out")


class CorrelationSettings(Settings):
    """How the ranking is compared with the tasks."""

    n_resamples: int = Field(
        default=2000, ge=100, le=1_000_000, description="bootstrap resamples of the models"
    )


class StudyRankingSettings(RankingSettings):
    """How scores are computed from pairs, and which models are targets."""

    targets: Literal["all"] | int | tuple[str, ...] = Field(
        default="all",
        description="which models are targets: `all` takes every model whose `target` in models.tsv is not "
        "false; a number draws that many models at random, one from each family before a second "
        "from any; a list names them. Only pairs with these targets are estimated, with every "
        "model as source",
    )

    @field_validator("targets", mode="before")
    @classmethod
    def _one_of_three(cls, value: Any) -> Any:
        is_names = isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
        if value == "all" or (isinstance(value, int) and not isinstance(value, bool)) or is_names:
            return value
        raise ValueError("write all, a number, or a list of names of models")


class OwnStudySettings(Settings):
    """The keys of `study.yaml` that do not belong to an analysis."""

    title: str = Field(description="the question of the study, in a few words; the headline of the page")
    kind: Literal["embeddings"] = Field(
        default="embeddings", description="kind of study: `embeddings` compares models on data sets"
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="base seed of splits, estimators and resamples. Models, data sets and trainings have a "
        "`seed` of their own, so nothing is embedded anew when this one changes",
    )
    models: str = Field(default="models.tsv", description="the table of models")
    datasets: str = Field(default="datasets.tsv", description="the table of data sets")
    tasks: str = Field(default="tasks.tsv", description="the table of tasks; optional")
    estimators: dict[str, dict[str, Any]] | None = Field(
        default=None,
        min_length=1,
        description="name of each estimator with its settings; the page answers with the first one. A "
        "variant has its own name and the key `estimator`. `{combines: [NAME, NAME]}` ranks by "
        "several of them together: the share of comparisons won, over all their pairs. An estimator "
        "with networks may have its own `targets`, a list of models, to save time. Default: "
        "`linear`; if a data set of texts offers two looks and the aggregate is ranks: "
        "`linear-and-neighbours`, `linear` and `neighbours`",
    )
    ranking: StudyRankingSettings = Field(
        default=StudyRankingSettings(),
        description="how scores are computed from pairs, and with which targets",
    )
    correlation: CorrelationSettings = Field(
        default=CorrelationSettings(), description="how the ranking is compared with the tasks"
    )
    training: dict[str, TrainingSettings] = Field(
        default={}, description="small language models to train in the workflow, by name"
    )
    public_scores: PublicScoresSettings | None = Field(
        default=None, description="public scores, measured by others, from a local copy; not used by default"
    )
    offline_standins: bool = Field(
        default=False,
        description="replace everything from the hub by tiny random checkpoints of the same architecture "
        "(column `architecture`) and by paragraphs of installed documentation. This tries the "
        "whole study without network, in a separate results folder; the numbers mean nothing",
    )
    prices: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={},
        description="price of a million tokens by model, in any currency, where models are paid for: "
        "`{minilm: 0.02}`. With the tokens that were counted, costs are compared by price. A row's "
        "`price_per_million_tokens` needs no entry",
    )
    device: Literal["cpu", "cuda", "mps"] = Field(
        default="cpu", description="torch device of models and estimators"
    )
    outside: bool | tuple[str, ...] = Field(
        default=(),
        description="folders outside the study's folder that it may read, relative to it or absolute; `true` "
        "allows all. Links are followed before a path is compared; installed packages and caches "
        "need no entry",
    )

    @model_validator(mode="before")
    @classmethod
    def _baselines_need_no_key(cls, values: Any) -> Any:
        if isinstance(values, dict) and "baselines" in values:
            raise ValueError(
                "baselines: self_retrieval is computed automatically if there are two looks; remove the key"
            )
        return values

    @field_validator("estimators", mode="before")
    @classmethod
    def _empty_means_defaults(cls, value: Any) -> Any:
        return (
            {name: settings or {} for name, settings in value.items()} if isinstance(value, dict) else value
        )


if TYPE_CHECKING:
    StudySettings = OwnStudySettings
else:
    StudySettings = create_model(
        "StudySettings",
        __base__=OwnStudySettings,
        __doc__="The keys of `study.yaml`, with those of the analyses.",
        __module__=__name__,
        **fields_of_keys(),
    )


@dataclass(frozen=True)
class DatasetRow:
    """A row of `datasets.tsv`.

    Attributes:
        name: the data set's name.
        settings: source of its items; paths are absolute.
        ranked: whether models are ranked on it; otherwise only tasks or other data sets use it.
        varied: whether models are ranked on it only for the target `ablations`.
        is_standin: whether its table is a stand-in that the workflow makes.
        shards: number of jobs that share its embedding by a model that runs on torch.
        look_settings: the looks at its items that the row asks for.
        looks: the resulting looks; see `suffice.study.looks`.
        seed: seed of everything drawn at random: a sample of the items, and looks at them.
    """

    name: str
    settings: DatasetSettings
    ranked: bool
    varied: bool = False
    is_standin: bool = False
    shards: int = 1
    look_settings: LookSettings = LookSettings()
    looks: LookChoice = LookChoice()
    seed: int = 0


@dataclass(frozen=True)
class TaskRow:
    """A row of `tasks.tsv`.

    Attributes:
        name: the task's name.
        dataset: name of the data set it is on.
        settings: its settings.
        information: the kind of information that it asks for, in a word, such as topic; may be empty.
    """

    name: str
    dataset: str
    settings: TaskSettings
    information: str = ""


@dataclass(frozen=True)
class ModelRow:
    """A row of `models.tsv`.

    Attributes:
        name: the model's name.
        kind: the kind of loader.
        family: models of one family share a colour, and count once in a ranking.
        settings: the loader's settings as given; paths are absolute apart from placeholders.
        training: name of the training in the workflow that makes the checkpoint, and the step.
        base_models: the models of the study whose vectors this model is made from.
        is_target: whether it may be a target; every model is a source.
        public_name: the model's name in public scores.
        series: the training run it is a checkpoint of, and the step, if the workflow does not train it.
        version_of: the model that this model is a tuned version of.
        architecture: architecture of its checkpoint, also used for a stand-in; see `suffice.embed.standin`.
        is_standin: whether its checkpoint is a stand-in that the workflow makes.
        is_control: whether it is untrained and should lose.
        seed: base seed of what is random in it.
    """

    name: str
    kind: str
    family: str
    settings: dict[str, Any]
    training: tuple[str, int] | None = None
    base_models: tuple[str, ...] = ()
    is_target: bool = True
    public_name: str = ""
    architecture: str = ""
    is_standin: bool = False
    series: tuple[str, int] | None = None
    version_of: str = ""
    is_control: bool = False
    seed: int = 0

    @property
    def made(self) -> dict[str, str]:
        """The settings that name files of folders that the workflow makes: a checkpoint, or vectors."""
        named = {key: str(self.settings.get(key, "")) for key in ("checkpoint", "path", "second_path")}
        return {key: value for key, value in named.items() if value.startswith(MADE_PREFIX)}

    @property
    def stage(self) -> tuple[str, int] | None:
        """The training run it is a checkpoint of, and the step."""
        return self.training or self.series

    def settings_for(self, dataset: str) -> dict[str, Any]:
        """The loader's settings for one data set, whose name replaces `{dataset}` in them."""
        return {key: _fill(value, dataset) for key, value in self.settings.items()}


def _fill(value: Any, dataset: str) -> Any:
    return value.replace(DATASET_PLACEHOLDER, dataset) if isinstance(value, str) else value


@dataclass(frozen=True)
class Study:
    """A study that has been read and checked."""

    name: str
    folder: Path
    settings: StudySettings
    estimators: dict[str, EstimatorChoice]
    models: dict[str, ModelRow]
    datasets: dict[str, DatasetRow]
    tasks: dict[str, TaskRow]
    variants: dict[str, EstimatorChoice] = field(default_factory=dict)

    @property
    def models_file(self) -> Path:
        """The table of models."""
        return self.folder / self.settings.models

    @property
    def datasets_file(self) -> Path:
        """The table of data sets."""
        return self.folder / self.settings.datasets

    @property
    def tasks_file(self) -> Path:
        """The table of tasks, which is optional."""
        return self.folder / self.settings.tasks

    @property
    def rankings(self) -> dict[str, tuple[str, ...]]:
        """The estimators of each ranking, by its name, in the order of study.yaml."""
        named = self.settings.estimators or {}
        return {name: tuple(given.get(COMBINES, (name,))) for name, given in named.items()}

    @property
    def shown_rankings(self) -> list[str]:
        """Names of the rankings that the page shows: the first, and those that are not part of another."""
        parts = {part for parts in self.rankings.values() if len(parts) > 1 for part in parts}
        first = next(iter(self.rankings))
        return [name for name in self.rankings if name == first or name not in parts]

    def estimators_of(self, ranking: str) -> list[EstimatorChoice]:
        """The estimators of a ranking; an ablation has one."""
        return [self.all_estimators[name] for name in self.rankings.get(ranking, (ranking,))]

    @property
    def all_estimators(self) -> dict[str, EstimatorChoice]:
        """The estimators, and those that only ablations use."""
        return self.estimators | self.variants

    @property
    def versions(self) -> dict[str, str]:
        """The base of each model that is a tuned version of another."""
        return {name: row.version_of for name, row in self.models.items() if row.version_of in self.models}

    def seed_of(self, model: str) -> int:
        """The seed of what is random in a model; the seed of the study has no part in it."""
        return derive_seed(self.models[model].seed, "model", model)

    @property
    def families(self) -> dict[str, str]:
        """The family of each model."""
        return {name: row.family for name, row in self.models.items()}

    @property
    def candidates(self) -> list[str]:
        """Names of the models that may be targets."""
        return [name for name, row in self.models.items() if row.is_target]

    @property
    def targets(self) -> list[str]:
        """Names of the targets; a number of them is drawn from the candidates, spread over families."""
        wanted = self.settings.ranking.targets
        if isinstance(wanted, int) and wanted < len(self.candidates):
            return choose_targets(self.candidates, wanted, self.families, self.settings.seed)
        if isinstance(wanted, int):
            return self.candidates
        return self.candidates if wanted == "all" else [name for name in wanted if name in self.models]

    def targets_of(self, estimator: str) -> list[str]:
        """Names of the targets of an estimator: its own, or those of the study."""
        own = self.all_estimators[estimator].targets
        return [name for name in own if name in self.models] if own else self.targets

    def embeds_new_items(self, model: str) -> bool:
        """Whether a model can embed texts outside the data set."""
        row = self.models[model]
        how = get_loader(row.kind).new_items
        if how == "follows" and row.base_models:
            return all(map(self.embeds_new_items, row.base_models))
        return how == "embeds"

    def has_second_file(self, model: str) -> bool:
        """Whether a model has vectors of second looks at the items from a file of the user's."""
        row = self.models[model]
        if get_loader(row.kind).new_items == "follows" and row.base_models:
            return all(map(self.has_second_file, row.base_models))
        return "second_path" in row.settings

    @property
    def controls(self) -> list[str]:
        """Names of the models that are untrained and should lose."""
        return [name for name, row in self.models.items() if row.is_control]

    def check_targets(self) -> None:
        """Check that the requested targets exist.

        Raises:
            EstimationError: a target is missing; the message says why.
        """
        wanted = self.settings.ranking.targets
        targets = wanted if isinstance(wanted, int) else self.targets
        check_targets(targets, self.candidates, bool(self.settings.ranking.self_pairs))

    @property
    def public_tasks(self) -> bool:
        """Whether public scores are among the tasks."""
        public = self.settings.public_scores
        return public is not None and public.role == "tasks"

    @property
    def has_tasks(self) -> bool:
        """Whether the study has anything to compare the ranking with."""
        return bool(self.tasks) or self.public_tasks

    def task_files(self, results: str) -> list[str]:
        """The tables of the tasks' results, within the folder of the study's results."""
        probed = [f"{results}/tasks/{model}.csv" for model in self.models] if self.tasks else []
        return [*probed, f"{results}/public_scores/tasks.csv"] if self.public_tasks else probed

    @property
    def ranked_datasets(self) -> list[str]:
        """Names of the data sets on which models are ranked."""
        return [name for name, row in self.datasets.items() if row.ranked]

    @property
    def compared_datasets(self) -> list[str]:
        """Names of the data sets on which models are ranked, including those of ablations."""
        return [name for name, row in self.datasets.items() if row.ranked or row.varied]

    @property
    def task_datasets(self) -> list[str]:
        """Names of the data sets that tasks are on, each once."""
        return list(dict.fromkeys(task.dataset for task in self.tasks.values()))

    @property
    def series(self) -> dict[str, list[str]]:
        """Models that are checkpoints of one training, by its name, in the order of their steps."""
        found: dict[str, list[tuple[int, str]]] = {}
        for model in self.models.values():
            if model.stage:
                found.setdefault(model.stage[0], []).append((model.stage[1], model.name))
        return {name: [model for _, model in sorted(models)] for name, models in found.items()}

    def without(self, failed: set[str]) -> "Study":
        """The same study without some models and without the models made from them."""
        left = {name: row for name, row in self.models.items() if not {name, *row.base_models} & failed}
        return replace(self, models=left)
