"""From installed documentation to what stands for data sets and checkpoints of the hub."""

from suffice.study.standins import labels_of, place_of_data

STANDIN_DATASETS = [name for name, row in STUDY.datasets.items() if row.is_standin]
STANDIN_MODELS = [name for name, row in STUDY.models.items() if row.is_standin]


def standin_datasets(wildcards):
    """Settings, and columns of labels, of each data set that needs a stand-in."""
    rows = {name: STUDY.datasets[name].settings for name in STANDIN_DATASETS}
    return stable(
        {
            name: [settings.model_dump(exclude_unset=True), labels_of(STUDY, name)]
            for name, settings in rows.items()
        }
    )


def standin_models(wildcards):
    """Architecture, loader and seed of each model that needs a stand-in."""
    rows = {name: STUDY.models[name] for name in STANDIN_MODELS}
    return {
        name: [row.architecture, row.kind, STUDY.seed_of(name)]
        for name, row in rows.items()
    }


rule make_standin_data:
    output:
        [place_of_data(RESULTS, name) for name in STANDIN_DATASETS],
    log:
        f"logs/{STUDY.name}/make_standin_data.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        datasets=standin_datasets,
        seed=STUDY.settings.seed,
        code=code_digest("suffice.data.standin"),
    script:
        "../scripts/make_standin_data.py"


rule make_standin_checkpoints:
    output:
        [directory(place_of_checkpoint(RESULTS, name)) for name in STANDIN_MODELS],
    log:
        f"logs/{STUDY.name}/make_standin_checkpoints.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        models=standin_models,
        seed=STUDY.settings.seed,
        code=code_digest("suffice.embed.standin"),
    script:
        "../scripts/make_standin_checkpoints.py"
