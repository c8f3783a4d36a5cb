"""From languages and mixtures to networks and their behaviour."""


rule train_group:
    input:
        starts_of_group,
    output:
        expand(
            "results/{{study}}/models/{{language}}/{{architecture}}/{{arm}}/{seed}.safetensors",
            seed=SEEDS,
        ),
        runs="results/{study}/models/{language}/{architecture}/{arm}/runs.csv",
        completions="results/{study}/models/{language}/{architecture}/{arm}/completions.parquet",
    threads: 1
    params:
        job=job_of_group,
        code=code_of("train_group"),
    script:
        "scripts/train_group.py"


rule train_pair:
    output:
        pair="results/{study}/in_context/{seed}/pair.csv",
        models=expand(
            "results/{{study}}/in_context/{{seed}}/{arm}.safetensors",
            arm=IN_CONTEXT_ARMS,
        ),
    threads: 1
    params:
        settings=stable(SCALE.in_context.model_dump(mode="json")),
        seed=STUDY.settings.seed,
        code=code_of("train_pair"),
    script:
        "scripts/train_pair.py"


rule tune_twins:
    input:
        tuned_model,
    output:
        twins="results/{study}/tuned/{seed}/twins.csv",
        tuning="results/{study}/tuned/{seed}/tuning.csv",
        curves="results/{study}/tuned/{seed}/curves.parquet",
    threads: 1
    params:
        settings=stable(SCALE.fine_tuning.model_dump(mode="json")),
        seed=STUDY.settings.seed,
        code=code_of("tune_twins"),
    script:
        "scripts/tune_twins.py"


rule compare_contexts:
    input:
        expand(
            "results/{{study}}/in_context/{seed}/{arm}.safetensors",
            seed=PAIR_SEEDS,
            arm=IN_CONTEXT_ARMS,
        ),
    output:
        "results/{study}/bridge/contexts.parquet",
    threads: 1
    params:
        models=[f"{arm}/{seed}" for seed in PAIR_SEEDS for arm in IN_CONTEXT_ARMS],
        settings=stable(SCALE.in_context.model_dump(mode="json")),
        bridge=stable(SCALE.bridge.model_dump(mode="json")),
        seed=STUDY.settings.seed,
        code=code_of("compare_contexts"),
    script:
        "scripts/compare_contexts.py"


rule compare_states:
    input:
        models_to_compare,
    output:
        "results/{study}/bridge/{language}/{architecture}.parquet",
    threads: 1
    params:
        job=job_of_bridge,
        models=names_to_compare,
        code=code_of("compare_states"),
    script:
        "scripts/compare_states.py"


rule train_kind:
    output:
        expand(
            "results/{{study}}/generalisation/{{kind}}/{architecture}/{seed}.safetensors",
            architecture=KINDS.architectures,
            seed=range(KINDS.n_seeds),
        ),
        runs="results/{study}/generalisation/{kind}/runs.csv",
        answers="results/{study}/generalisation/{kind}/answers.parquet",
    threads: 1
    params:
        architectures=list(KINDS.architectures),
        settings=stable(
            KINDS.model_dump(mode="json", include=set(NetworkSettings.model_fields))
        ),
        seed=STUDY.settings.seed,
        code=code_of("train_kind"),
    script:
        "scripts/train_kind.py"


rule compare_kinds:
    input:
        expand(
            "results/{{study}}/generalisation/{kind}/{architecture}/{seed}.safetensors",
            kind=KINDS.kinds,
            architecture=KINDS.architectures,
            seed=range(KINDS.n_seeds),
        ),
    output:
        "results/{study}/bridge/kinds.parquet",
    threads: 1
    params:
        bridge=stable(SCALE.bridge.model_dump(mode="json")),
        seed=STUDY.settings.seed,
        code=code_of("compare_kinds"),
    script:
        "scripts/compare_kinds.py"


rule collect_texts:
    output:
        "results/{study}/practice/texts.safetensors",
    threads: 1
    params:
        settings=stable(PRACTICE.texts.model_dump(mode="json")),
        seed=STUDY.settings.seed,
        code=code_of("collect_texts"),
    script:
        "scripts/collect_texts.py"


rule train_text_models:
    input:
        rules.collect_texts.output,
    output:
        runs="results/{study}/practice/{architecture}/runs.csv",
        answers="results/{study}/practice/{architecture}/answers.safetensors",
    threads: 1
    params:
        settings=stable(
            PRACTICE.model_dump(
                mode="json", include=set(TextModelSettings.model_fields)
            )
        ),
        seed=STUDY.settings.seed,
        code=code_of("train_text_models"),
    script:
        "scripts/train_text_models.py"


rule train_design:
    output:
        "results/{study}/design/{architecture}.csv",
    threads: 1
    params:
        settings=stable(SCALE.design.model_dump(mode="json")),
        seed=STUDY.settings.seed,
        code=code_of("train_design"),
    script:
        "scripts/train_design.py"
