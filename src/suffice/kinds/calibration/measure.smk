"""From channels and chains of known truth to rows and tables."""


rule measure_group:
    output:
        "results/{study}/measured/{part}/{group}/{estimator}.parquet",
    log:
        "logs/{study}/measure_group/{part}/{group}/{estimator}.log",
    benchmark:
        "results/{study}/benchmarks/measure_group/{part}/{group}/{estimator}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus_of_estimator,
        mem_mb=memory_of_measure,
        runtime=growing(480),
    params:
        settings=settings_to_measure,
        choice=estimator_choice,
        seed=STUDY.settings.seed,
        device=STUDY.settings.device,
        store=f"{RESULTS}/store/measured",
        code=code_of_measure,
    script:
        "scripts/measure_group.py"


rule tabulate_calibration:
    input:
        channels=measured_files("channels"),
        chains=measured_files("chains"),
        invariance=measured_files("invariance"),
    output:
        expand(
            "results/{{study}}/tables/{table}.{suffix}",
            table=["accuracy", "order", "invariance"],
            suffix=["csv", "parquet"],
        ),
        summary="results/{study}/summary.csv",
    log:
        "logs/{study}/tabulate_calibration.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_of("tabulate_calibration"),
    script:
        "scripts/tabulate_calibration.py"
