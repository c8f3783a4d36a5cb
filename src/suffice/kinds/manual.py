"""The manual of every key, and the JSON schemas, made from the settings models: one truth."""

from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from suffice.data.dataset_settings import DatasetSettings
from suffice.data.look_settings import LookSettings
from suffice.embed.registry import LOADERS
from suffice.embed.standin import ARCHITECTURES
from suffice.estimators.registry import ESTIMATORS
from suffice.kinds.calibration.channels import CHANNELS
from suffice.kinds.calibration.settings import CalibrationSettings, ChainGroup, ChannelGroup, Grid, Limit
from suffice.kinds.published.study import PublishedSettings
from suffice.kinds.saturation.fine_tuning import FineTuningSettings
from suffice.kinds.saturation.fitting import FittingSettings
from suffice.kinds.saturation.in_context import InContextSettings
from suffice.kinds.saturation.settings import (
    Acceptance,
    BridgeSettings,
    LanguageChoice,
    SaturationSettings,
    Scale,
    TwinSettings,
)
from suffice.study.extras import ExplainSettings, FewLabelsSettings
from suffice.study.model import (
    CorrelationSettings,
    StudyRankingSettings,
    StudySettings,
    TrainingSettings,
    VariationSettings,
)
from suffice.tasks.settings import PublicScoresSettings, TaskSettings

MAX_SHOWN = 6
HEAD = """# The manual of every key

*Made by `make docs` from the settings themselves; edit those, not this file.*

A study is a folder with four small files. Copy `api-docs/`, or let `suffice new-study` write one, and edit
it; `make study STUDY=name` runs the folder `config/name`, `make study STUDY=path/to/folder` any other.

| file | holds |
|---|---|
| `study.yaml` | the question, the seed, estimators, and how scores are made |
| `models.tsv` | one row a model |
| `datasets.tsv` | one row a data set |
| `tasks.tsv` | one row a labelled task; leave the file out and the study ends at the ranking |

The tables are separated by tabs, their first line names the columns, an empty cell means the default, and a
line that begins with `#` is a comment. Paths start from the study's folder. Names consist of lower-case
letters, digits, dots and hyphens, at most 100. Everything is checked before the first job starts. Any key of
`study.yaml` can be replaced for one run: `make study CONFIG='seed=1'`.

In CSV files of results a text that a spreadsheet would take for a formula begins with an apostrophe, which
`suffice.storage.files.read_table` takes off again. A data set is read as it is: no text of your files is changed. To use a
CSV of results as a data set, read it with `read_table` and write it with `suffice.storage.files.write_items`.
"""
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
other command and no job of the workflow uses the network, except for models of the loader `api`. `HF_HUB_OFFLINE=1` switches `fetch` off, too. A
download may have 20,000 MB and take six hours, unless `SUFFICE_MAX_DOWNLOAD_MB` and
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
CALIBRATION = """## A study of the kind `calibration`

With `kind: calibration` a study compares estimators with known truth instead of models with one another. It
has a `study.yaml` alone, with these keys; `make study STUDY=calibration CONFIG='grid=full'` runs another of
its grids.
"""
PUBLISHED = """## A study of the kind `published`

With `kind: published` the study recomputes numbers of a paper from the tables beside its `study.yaml` (`make
    reproduce`).
"""
SATURATION = """## A study of the kind `saturation`

With `kind: saturation` the study trains small language models to one test loss and asks what they do all the
same. It has a `study.yaml` alone, with these keys, and may have tables of published numbers beside it; `make
study STUDY=saturation CONFIG='scale=quick'` runs another of its scales.
"""
CALIBRATION_CHANNELS = """Chains of known order are `noise`, `projection` and `quantisation`; `rotation` is
one of equal models.

| channel | family | what it is |
|---|---|---|
"""


def manual() -> str:
    """The whole manual as Markdown."""
    parts = [
        HEAD,
        "## `study.yaml`\n",
        _table(StudySettings),
        "### `ranking`\n",
        _table(StudyRankingSettings),
    ]
    parts += ["### `correlation`\n", _table(CorrelationSettings)]
    parts += ["### `public_scores`\n", _table(PublicScoresSettings)]
    parts += ["### `few_labels`\n", _table(FewLabelsSettings)]
    parts += ["### `explain`\n", _table(ExplainSettings), "### `ablations`, for each name\n"]
    parts += [_table(VariationSettings), "### `training`, for each name\n"]
    parts += [_table(TrainingSettings), "### `estimators`, for each name\n"]
    for name, estimator in ESTIMATORS.items():
        parts += [f"**`{name}`**: {estimator.summary}.\n", _table(estimator.Settings)]
    parts.append(MODELS.replace("ARCHITECTURES", ", ".join(f"`{name}`" for name in ARCHITECTURES)))
    for kind in sorted(LOADERS):
        parts += [f"### loader `{kind}`\n", _table(LOADERS[kind].Settings)]
    parts += [
        DATASETS,
        _table(LookSettings),
        _table(DatasetSettings),
        TASKS,
        _table(TaskSettings),
        *_calibration(),
    ]
    parts += [PUBLISHED, _table(PublishedSettings), *_saturation()]
    return "\n".join(parts)


def _calibration() -> list[str]:
    parts = [CALIBRATION, _table(CalibrationSettings), "### `grids`, for each name\n", _table(Grid)]
    parts += ["#### `channels` and `invariance`, for each group\n", _table(ChannelGroup)]
    rows = [f"| `{name}` | {channel.family} | {channel.summary} |" for name, channel in CHANNELS.items()]
    parts += [CALIBRATION_CHANNELS + "\n".join(rows) + "\n"]
    parts += ["#### `chains`, for each group\n", _table(ChainGroup)]
    return [*parts, "#### `limits`, for each estimator\n", _table(Limit)]


def _saturation() -> list[str]:
    parts = [SATURATION, _table(SaturationSettings), "### `scales`, for each name\n", _table(Scale)]
    nested: dict[str, type[BaseModel]] = {
        "`languages`, for each name": LanguageChoice,
        "`fitting`": FittingSettings,
        "`in_context`": TwinSettings,
        "`in_context`: `training`": InContextSettings,
        "`fine_tuning`": FineTuningSettings,
        "`bridge`": BridgeSettings,
    }
    for heading, model in nested.items():
        parts += [f"#### {heading}\n", _table(model)]
    return [*parts, "### `acceptance`\n", _table(Acceptance)]


def schemas() -> dict[str, dict[str, Any]]:
    """JSON schemas: study.yaml, and the settings in a row of each table."""
    models: dict[str, type[BaseModel]] = {
        "study": StudySettings,
        "study-calibration": CalibrationSettings,
        "study-published": PublishedSettings,
        "study-saturation": SaturationSettings,
        "dataset": DatasetSettings,
        "looks": LookSettings,
        "task": TaskSettings,
        **{f"loader-{kind}": loader.Settings for kind, loader in LOADERS.items()},
        **{f"estimator-{name}": estimator.Settings for name, estimator in ESTIMATORS.items()},
    }
    return {name: model.model_json_schema() for name, model in models.items()}


def _table(model: type[BaseModel]) -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        description = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{name}` | {_default(field)} | {description}{_choices(field)} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "required"
    if default is None or isinstance(default, BaseModel) or default == {}:
        return ""
    if isinstance(default, tuple):
        shown = [f"{value:g}" if isinstance(value, (int, float)) else str(value) for value in default]
        if len(shown) > MAX_SHOWN:
            return f"{len(shown)} values from `{shown[0]}` to `{shown[-1]}`"
        return f"`[{', '.join(shown)}]`"
    if isinstance(default, dict):
        plain = {key: {} if isinstance(value, BaseModel) else value for key, value in default.items()}
        return f"`{yaml.safe_dump(plain, default_flow_style=True, width=1000).strip()}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _choices(field: FieldInfo) -> str:
    """The allowed words of a field that has a fixed choice and does not already name them."""
    words = [word for word in get_args(field.annotation) if isinstance(word, str)]
    unnamed = [word for word in words if word not in (field.description or "")]
    return f" ({', '.join(f'`{word}`' for word in words)})" if unnamed else ""
