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

- `model` is the model's name, and `loader` its kind.
- `family` (default: the kind) decides its colour in figures.
- `target` (default: true) says whether the model may be a target. An untrained network is worth ranking, but
  is a poor target.
- `public_name` (default: a hub name in `checkpoint`) is the model's name in public scores.
- `series` and `step` mark a checkpoint of a training run outside the workflow.
- `version_of` marks a tuned version of another model.
- `architecture` is the architecture of its stand-in (one of ARCHITECTURES).
- `seed` (default: 0) is for models with a random part: untrained weights, random projections, and word counts
  and word vectors that are fitted here. If you change it, only this model is embedded again.
- `control` (default: false) marks an untrained model that should rank low. If a trained model ranks below it,
  training has not helped on these items.

All other columns are settings of the loaders. Each loader reads its own.

Three values refer to files that the workflow itself writes. `trained:NAME/STEP` as a checkpoint is a step of a
training in `study.yaml`. `made:cartpole-agents/NAME.safetensors` as a checkpoint is one of 21 agents that the
workflow trains, and `made:digit-generators/NAME.npz` as the path of `precomputed` has the vectors of an image
generator that it trains. `model:NAME` as the path of `principal_components`, or `model:NAME,NAME` for
`concatenation`, are other models of the study. In paths, `{dataset}` is replaced by the name of the data set.
"""
DATASETS = """## `datasets.tsv`

- `dataset` is the name.
- `ranked` (default: true) says whether models are ranked on it. `false` means that it is only for tasks or
  other data sets, and `ablations` that it is only for comparisons of data sets by the target `ablations`.
- `shards` (default: 1) divides its embedding into this many jobs, for each model that computes with torch.
  The vectors equal those of a single job, byte for byte. If you change the number, the data set is embedded
  again.
- `seed` (default: 0) decides the sample of `max_items`, the items of `api-docs`, and looks that are drawn at
  random. The split into train and test follows from the seed of the study.
- `views` and `max_look_pairs` say what source and target see of an item. If you change the looks of texts,
  they are embedded again. Looks within groups need no new embedding.

Other columns of the source are kept as labels for tasks.

Data sets and checkpoints by URL are stored in the folder named by the environment variable `SUFFICE_CACHE`,
or in the platform's cache. Only `suffice fetch STUDY` downloads checkpoints and data from the hub or by URL.
No other command and no job of the workflow uses the network, except for models of the loader `api`.
`HF_HUB_OFFLINE=1` switches `fetch` off, too. A download may have up to 20,000 MB and take up to six hours. To
change these limits, set `SUFFICE_MAX_DOWNLOAD_MB` and `SUFFICE_MAX_DOWNLOAD_SECONDS`.
"""
TASKS = """## `tasks.tsv`

`task` is the name, and `dataset` a name in `datasets.tsv`. Items without a label are left out. Classification
and regression are fitted on the items of split train and scored on the items of split test.

| kind | measurement | metric |
|---|---|---|
| classification | multinomial logistic regression on standardised vectors, strength chosen inside train | accuracy |
| regression | ridge regression on standardised vectors, strength chosen inside train | R² |
| similarity | cosine of the two sides of a pair against a score | Spearman's ρ |
| retrieval | documents ordered by cosine with a query | nDCG@10 |
| clustering | k-means on unit vectors, as many clusters as classes | v-measure |
| representational_similarity | cosine of every two items against how alike they are in another measure | Spearman's ρ |

The measure of a `representational_similarity` task is a column of numbers (a rating, a reading time), whose
distances are compared, or of vectors written as text, `[0.1, 0.2, ...]` (a profile of ratings, the response of
voxels or neurons), whose correlations are compared.

The optional column `information` names in a word what a task asks for, such as surface, syntax, topic or
sentiment. `suffice traits RESULTS...` shows with which of them the score agrees, over all studies given.
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
    """The columns that only one content type has."""
    own = {name: each.Settings for name, each in MODALITIES.items() if each.Settings.model_fields}
    return [f"### `content_type` {name}\n\n{key_table(settings)}" for name, settings in own.items()]


def tables() -> Mapping[str, type[BaseModel]]:
    """The settings in the rows of each table, of each loader, and of each estimator, by name of schema."""
    return {
        "dataset": DatasetSettings,
        **{f"dataset-{name}": each.Settings for name, each in MODALITIES.items()},
        "looks": LookSettings,
        "task": TaskSettings,
        **{f"loader-{kind}": loader.Settings for kind, loader in LOADERS.items()},
        **{f"estimator-{name}": estimator.Settings for name, estimator in ESTIMATORS.items()},
    }
