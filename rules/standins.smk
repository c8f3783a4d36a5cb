"""Stand-ins: try a study without network. Only a study with `offline_standins` has these rules.

Takes the documentation of installed packages. Makes tables in the place of the hub's data sets and tiny random
checkpoints in the place of its models (`standins/`). Numbers from them mean nothing.
"""

from suffice.jobs import StandinJobs

STANDINS = StandinJobs(STUDY)


rule make_standin_data:
    output:
        STANDINS.tables,
    params:
        datasets=STANDINS.datasets,
        seed=STUDY.settings.seed,
        code=code_of("make_standin_data"),
    script:
        "../scripts/make_standin_data.py"


rule make_standin_checkpoints:
    output:
        [directory(path) for path in STANDINS.checkpoints],
    params:
        models=STANDINS.models,
        seed=STUDY.settings.seed,
        code=code_of("make_standin_checkpoints"),
    script:
        "../scripts/make_standin_checkpoints.py"
