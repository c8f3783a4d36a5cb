"""Ranking: order the models by the information that they have about the others.

Takes the pairs of one data set. Makes scores with their intervals, intervals of ranks and groups of ties
(`ranking/`), how these depend on the number of items (`sample_size/`), and simple baselines to compare the
ranking with (`baselines/`).
"""

from suffice.jobs import RankingJobs

RANKING = RankingJobs(STUDY)


rule rank_models:
    input:
        corpus="results/{study}/corpora/{dataset}.parquet",
        pairs=pairs_of_dataset,
        vectors=embeddings_of_dataset,
        cards=cards_of_dataset,
    output:
        by_items="results/{study}/sample_size/{dataset}/{estimator}.csv",
        ranking=report(
            "results/{study}/ranking/{dataset}/{estimator}.csv",
            caption="../report/table.rst",
            category="Ranking",
            labels={"data set": "{dataset}", "estimator": "{estimator}"},
        ),
    params:
        settings=STUDY.settings.ranking.model_dump(exclude={"targets"}),
        families=STUDY.families,
        seed=STUDY.settings.seed,
        controls=STUDY.controls,
        code=code_of("rank_models"),
    script:
        "../scripts/rank_models.py"


rule measure_baselines:
    input:
        vectors=embeddings_of_dataset,
        cards=cards_of_dataset,
        public=RANKING.public_baseline,
        looks=RANKING.looks,
        vectors_of_looks=RANKING.vectors_of_looks,
    output:
        "results/{study}/baselines/{dataset}.csv",
    params:
        models=list(STUDY.models),
        seed=STUDY.settings.seed,
        store=f"{RESULTS}/store/baselines",
        code=code_of("measure_baselines"),
    script:
        "../scripts/measure_baselines.py"
