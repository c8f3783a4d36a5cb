"""Helpers of rules that need looks at items: which files and parameters they have."""

from suffice.study.looks import has_embedded_looks

WITH_EMBEDDED_LOOKS = [
    name for name, row in STUDY.datasets.items() if has_embedded_looks(row)
]
WITHOUT_EMBEDDED_LOOKS = [
    name for name in STUDY.datasets if name not in WITH_EMBEDDED_LOOKS
]


def looks_of_dataset(wildcards):
    """The pairs of looks of a data set and their manifest; none if source and target see the same."""
    row = STUDY.datasets[wildcards.dataset]
    kinds = [] if row.looks.kind == SAME else ["parquet", "json"]
    return expand(f"{RESULTS}/looks/{row.name}.{{kind}}", kind=kinds)


def embedded_looks(wildcards):
    """The same, if models embed the looks."""
    is_embedded = wildcards.dataset in WITH_EMBEDDED_LOOKS
    return looks_of_dataset(wildcards) if is_embedded else []


def _vectors_of_looks(dataset, models, kind="npy"):
    models = models if dataset in WITH_EMBEDDED_LOOKS else []
    return expand(f"{RESULTS}/looks/{dataset}/{{model}}.{kind}", model=models)


def vectors_of_looks(wildcards):
    """All models' vectors of looks at one data set; none if looks are not embedded."""
    return _vectors_of_looks(wildcards.dataset, STUDY.models)


def cards_of_looks(wildcards):
    """What these vectors are of."""
    return _vectors_of_looks(wildcards.dataset, STUDY.models, "json")


def looks_of_model(wildcards):
    """One model's vectors of looks at one data set; none if looks are not embedded."""
    return _vectors_of_looks(wildcards.dataset, [wildcards.model])


def looks_of_base_models(wildcards):
    """The vectors of looks by the models that a model is made from; none for one that is not."""
    bases = STUDY.models[wildcards.model].base_models
    return _vectors_of_looks(wildcards.dataset, bases)


def kind_of_looks(wildcards):
    """How the looks are made."""
    return STUDY.datasets[wildcards.dataset].looks.kind


def limits_of_looks(wildcards):
    """How many there may be, and whether the study goes on with one look if there are too few."""
    looks = STUDY.datasets[wildcards.dataset].looks
    return {"max_pairs": looks.max_pairs, "is_wish": looks.is_wish}


def shards_of_looks(wildcards):
    """The blocks that a model's vectors of looks are joined from; none if one job makes them all."""
    shards = shards_of_model(wildcards) if embedded_looks(wildcards) else []
    return [path.removesuffix("npy") + "looks.npy" for path in shards]


def facts_of_look_shards(wildcards):
    """What these blocks are, and what they took."""
    return [path.removesuffix("npy") + "json" for path in shards_of_looks(wildcards)]
