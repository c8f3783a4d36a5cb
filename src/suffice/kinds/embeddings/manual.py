"""The manual of a study of embeddings."""

from collections.abc import Mapping

from pydantic import BaseModel

from suffice.analyses.registry import keys_of_analyses
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.look_settings import LookSettings
from suffice.data.modalities.registry import MODALITIES
from suffice.embed.registry import LOADERS
from suffice.embed.standin import ARCHITECTURES
from suffice.estimators.registry import ESTIMATORS
from suffice.kinds.keys import key_table
from suffice.study.model import (
    CorrelationSettings,
    StudyRankingSettings,
    StudySettings,
    TrainingSettings,
)
from suffice.tasks.settings import PublicScoresSettings, TaskSettings

MODELS = """## `models.tsv`

`model` is the model's name and `loader` its kind; `family` (default: the kind) decides its colour in figures.
`target` (default: true) says whether the model may be a target: an untrained network is worth ranking, but
what others tell of it is worth little. `public_name` (default: a hub name in `checkpoint`) is what the model
is called where public scores are kept; `series` and `step` say that a model is a checkpoint of a training
elsewhere, `version_of` that it is a tuned version of another model, and `architecture` what its stand-in must be
(one of ARCHITECTURES). `control` (default: false) marks an untrained model that should lose: what ranks below it
has nothing that training gives. All other columns are the settings of the loaders, each of which reads its own.

Two values name what the workflow itself makes: `trained:NAME/STEP` as a checkpoint is a step of a training in
`study.yaml`, and `model:NAME` as the path of `principal_components` is another model of the study, as are
those in `model:NAME,NAME` of `concatenation`. In paths, `{dataset}` stands for the name of the data set.
"""
DATASETS = """## `datasets.tsv`

`dataset` is the name; `ranked` (default: true) says whether models are ranked on it, or whether it serves
tasks or other data sets alone (false), or comparisons of data sets by the target `ablations` (ablations);
`shards` (default: 1) divides its embedding by each model that computes with torch among so many jobs, with the
same vectors as one job, byte for byte; another number embeds anew. `views` and `max_look_pairs` say what source
and target see of an item; other looks of texts embed anew, others of groups do not.
Columns of the source that are not named here are kept as labels for tasks. Files by URL, data sets and
checkpoints alike, are kept in the folder that the environment variable `SUFFICE_CACHE` names, or in the
platform's cache. Checkpoints and data of the hub and by URL are fetched by `make fetch STUDY=...` alone. No
other command and no job of the workflow uses the network, except for models of the loader `api`.
`HF_HUB_OFFLINE=1` switches `fetch` off, too. A download may have 20,000 MB and take six hours, unless `SUFFICE_MAX_DOWNLOAD_MB` and
`SUFFICE_MAX_DOWNLOAD_SECONDS` say otherwise.
"""
TASKS = """## `tasks.tsv`

`task` is the name and `dataset` a name in `datasets.tsv`. Items without a label take no part. Classification
and regression are fitted on the items of split train and scored on those of split test.

| kind | what is measured | metric |
|---|---|---|
| classification | multinomial logistic regression on standardised vectors, strength chosen inside train |
accuracy |
| regression | ridge regression on standardised vectors, strength chosen inside train | R² |
| similarity | cosine of the two sides of a pair against a score | Spearman's ρ |
| retrieval | documents ordered by cosine with a query | nDCG@10 |
| clustering | k-means on unit vectors, as many clusters as classes | v-measure |
"""


def manual() -> str:
    """Every key, as Markdown."""
    parts = [
        "## `study.yaml`\n",
        key_table(StudySettings),
        "### `ranking`\n",
        key_table(StudyRankingSettings),
    ]
    parts += ["### `correlation`\n", key_table(CorrelationSettings)]
    parts += ["### `public_scores`\n", key_table(PublicScoresSettings)]
    for key in keys_of_analyses():
        parts += [f"### `{key.name}`{key.of_each}\n", key_table(key.model)]
    parts += ["### `training`, for each name\n"]
    parts += [key_table(TrainingSettings), "### `estimators`, for each name\n"]
    for name, estimator in ESTIMATORS.items():
        parts += [f"**`{name}`**: {estimator.summary}.\n", key_table(estimator.Settings)]
    parts.append(MODELS.replace("ARCHITECTURES", ", ".join(f"`{name}`" for name in ARCHITECTURES)))
    for kind in sorted(LOADERS):
        parts += [f"### loader `{kind}`\n", key_table(LOADERS[kind].Settings)]
    parts += [
        DATASETS,
        key_table(LookSettings),
        key_table(DatasetSettings),
        *_modalities(),
        TASKS,
        key_table(TaskSettings),
    ]
    return "\n".join(parts)


def _modalities() -> list[str]:
    """The columns that one content type alone has."""
    own = {name: each.Settings for name, each in MODALITIES.items() if each.Settings.model_fields}
    return [f"### `content_type` {name}\n\n{key_table(settings)}" for name, settings in own.items()]


def tables() -> Mapping[str, type[BaseModel]]:
    """The settings in a row of each table, of each loader, and of each estimator, by the name of their schema."""
    return {
        "dataset": DatasetSettings,
        **{f"dataset-{name}": each.Settings for name, each in MODALITIES.items()},
        "looks": LookSettings,
        "task": TaskSettings,
        **{f"loader-{kind}": loader.Settings for kind, loader in LOADERS.items()},
        **{f"estimator-{name}": estimator.Settings for name, estimator in ESTIMATORS.items()},
    }
