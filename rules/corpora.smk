"""Corpora: read data sets, find two looks at their items, train small language models on them.

Takes the files of a data set, an installed package's documentation or other corpora. Makes the items of a
data set whose path is `made:NAME` and the folders that some need (`made/`), one table of items for each data
set with a manifest (`corpora/`), the pairs of looks at the items (`looks/`), and the checkpoints of a
language model at the steps that the study names (`checkpoints/`).
"""

from suffice.data.made.base import Maker, TextMaker
from suffice.jobs import CorpusJobs

CORPORA = CorpusJobs(STUDY)


rule make_folder:
    output:
        directory("results/{study}/made/{folder}"),
    wildcard_constraints:
        folder=any_of(CORPORA.made_folders),
    priority: 10
    params:
        versions=CORPORA.versions_of_folder,
        code=code_of("make_folder"),
    script:
        "../scripts/make_folder.py"


rule make_items:
    input:
        CORPORA.folder_of_maker,
    output:
        "results/{study}/corpora/{dataset}.npz",
    wildcard_constraints:
        dataset=any_of(CORPORA.made_by(Maker)),
    params:
        maker=CORPORA.maker,
        seed=CORPORA.seed,
        versions=CORPORA.versions_of_maker,
        code=code_of("make_items"),
    script:
        "../scripts/make_items.py"


use rule make_items as make_texts with:
    output:
        "results/{study}/corpora/{dataset}.jsonl",
    wildcard_constraints:
        dataset=any_of(CORPORA.made_by(TextMaker)),


rule build_corpus:
    input:
        files=CORPORA.files,
        parts=CORPORA.parts,
    output:
        table="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    params:
        settings=CORPORA.settings,
        seed=CORPORA.seed,
        versions=CORPORA.versions,
        code=code_of("build_corpus"),
    script:
        "../scripts/build_corpus.py"


rule make_looks:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        manifest="results/{study}/corpora/{dataset}.json",
    output:
        table="results/{study}/looks/{dataset}.parquet",
        manifest="results/{study}/looks/{dataset}.json",
    params:
        kind=CORPORA.kind_of_looks,
        how=CORPORA.limits_of_looks,
        seed=CORPORA.seed,
        code=code_of("make_looks"),
    script:
        "../scripts/make_looks.py"


rule train_language_model:
    input:
        CORPORA.training_corpus,
    output:
        directory("results/{study}/checkpoints/{training}"),
    priority: 10
    resources:
        gpu=CORPORA.training_gpus,
    params:
        settings=CORPORA.training_settings,
        seed=CORPORA.training_seed,
        device=STUDY.settings.device,
        code=code_of("train_language_model"),
    script:
        "../scripts/train_language_model.py"
