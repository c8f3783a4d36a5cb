"""From installed documentation to what stands for data sets and checkpoints of the hub."""


rule make_standin_data:
    output:
        [place_of_data(RESULTS, name) for name in STANDIN_DATASETS],
    log:
        f"logs/{STUDY.name}/make_standin_data.log",
    conda:
        "../envs/suffice.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        datasets=standin_datasets,
        seed=STUDY.settings.seed,
        code=code_of("make_standin_data"),
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
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        models=standin_models,
        seed=STUDY.settings.seed,
        code=code_of("make_standin_checkpoints"),
    script:
        "../scripts/make_standin_checkpoints.py"
