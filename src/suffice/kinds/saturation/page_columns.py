"""The columns of the tables on the page of a study of equal test loss."""

from suffice.numbers import Column, correlation, integer, interval, number, text

INTERVAL = Column("low", "95 % interval", interval, "low", "high")
RANGE = Column("least", "Range", interval, "least", "most")
P_VALUE, SEEDS = Column("p_value", "p", number), Column("n_seeds", "Seeds", integer)
MEASURE, PROBE, NOISE = (
    Column("measure", "Measure"),
    Column("probe", "Prefixes"),
    Column("noise", "Noise", number),
)
NETWORKS = Column("n_networks", "Networks", integer)
QUESTION = Column("question", "Question")
QUANTITY = Column("quantity", "Quantity")
N_PAIRS = Column("n_pairs", "Pairs", integer)
EXCESS = Column("excess_nats", "Excess, nats per string", number)
EXAMPLES = Column("n_examples", "Examples", integer)
MEAN = Column("mean", "Mean", number)
MEAN_DIFFERENCE = Column("mean", "Difference", number)
MEAN_OF_PAIRS = Column("mean", "Mean of pairs", number)
LANGUAGE = Column("language", "Language")
BEHAVES = Column("behaviour", "Behaviour")
AMONG = Column("among", "Among")
RHO_OF_PAIRS = Column("spearman", "Spearman's ρ of similarity and difference", correlation)
SPLIT = (Column("kind", "Kind"), Column("part", "Prompts"))
ARCHITECTURE = Column("architecture", "Architecture")
VERDICT = (
    Column("case", "Part"),
    Column("where", "Of"),
    Column("asked", "Asked"),
    Column("shown", "Shown"),
    Column("measured", "Measured", number),
    Column("note", "Note", text),
)
PLACE = (LANGUAGE, ARCHITECTURE, Column("arm", "Arm"))
ARMS = (
    *PLACE,
    EXCESS,
    Column("id", "Rule 1, in distribution", number),
    Column("ood", "Rule 1, unseen prompts", number),
    Column("ood_low", "95 % interval", interval, "ood_low", "ood_high"),
    Column("ood_finished", "finished only", number),
    Column("trained", "Rule 1, training prompts", number),
    Column("rule_2_after", "Rule 2 after the prompt", number),
    Column("finished", "Finished", number),
    SEEDS,
)
TESTED = (
    Column("difference", "Difference, nats per string", number),
    Column("low", "90 % interval", interval, "low", "high"),
    P_VALUE,
    Column("equivalent", "Equal"),
)
EQUIVALENCE = (*PLACE[:2], Column("first", "Arm"), Column("second", "Other arm"), *TESTED)
TELLS = (
    *PLACE[:2],
    AMONG,
    Column("spearman", "Spearman's ρ of excess and rule 1", correlation),
    P_VALUE,
    NETWORKS,
)
BASELINES = (
    LANGUAGE,
    Column("baseline", "Without a model"),
    Column("part", "Prompts"),
    Column("accuracy", "Rule 1", number),
    Column("n_prompts", "Completions", integer),
)
TWINS = (
    EXAMPLES,
    Column("accuracy_mixture", "Mixture", number),
    Column("accuracy_twin", "Twin", number),
    Column("form_probability", "P(form)", number),
    Column("kl_nats", "KL, nats per document", number),
    Column("kl_max_nats", "at most", number),
)
PAIRS = (
    QUANTITY,
    EXAMPLES,
    Column("likelihood", "Likelihood", number),
    Column("mislabelling", "Mislabelling", number),
    Column("ceiling", "Bayes' rule", number),
    MEAN_DIFFERENCE,
    INTERVAL,
    SEEDS,
)
TUNING = (
    Column("optimiser", "Optimiser"),
    Column("rate", "Learning rate"),
    Column("twin", "Twin"),
    MEASURE,
    Column("value", "Twin", number),
    Column("unchanged", "Unchanged", number),
    MEAN_DIFFERENCE,
    INTERVAL,
    Column("quotient", "Quotient", number),
    Column("reached", "Reached", number),
    Column("at_edge", "Rate at the grid's edge", number),
    SEEDS,
)
AUC = (
    Column("contrast", "Contrast"),
    MEASURE,
    PROBE,
    NOISE,
    Column("auc", "AUC", correlation),
    P_VALUE,
    NETWORKS,
)
BEHAVIOUR = (
    MEASURE,
    PROBE,
    NOISE,
    Column("spearman", "Spearman's ρ with the difference in rule 1", correlation),
    INTERVAL,
    P_VALUE,
)
KINDS = (*PLACE[:2], MEASURE, PROBE, Column("kind", "Pairs"), MEAN, RANGE, N_PAIRS)
FLOOR = (
    *PLACE[:2],
    MEASURE,
    PROBE,
    Column("floor_nats", "Largest difference by a twin, nats", number),
    Column("spread_nats", "Spread of all pairs, nats", number),
)
GENERALISATION = (
    *SPLIT,
    ARCHITECTURE,
    Column("mean", "Accuracy", number),
    INTERVAL,
    RANGE,
    Column("chance", "Another answer", number),
    EXCESS,
    SEEDS,
)
BEHAVIOURS = (
    *SPLIT,
    ARCHITECTURE,
    BEHAVES,
    Column("n_with", "Seeds with it", integer),
    SEEDS,
    Column("share", "Share", number),
    INTERVAL,
)
ORDERS = (
    Column("first", "Kind"),
    Column("second", "Other kind"),
    AMONG,
    Column("spearman", "Spearman's ρ", correlation),
    INTERVAL,
    Column("n", "Architectures", integer),
)
BIAS = (
    *SPLIT,
    Column("information_nats", "Architecture and behaviour, nats", number),
    Column("chance_information_nats", "by chance", number),
    Column("p_information", "p", number),
    Column("share_of_variance", "Variance between architectures", number),
    Column("chance_share_of_variance", "by chance", number),
    Column("p_variance", "p", number),
    NETWORKS,
)
KIND_EQUIVALENCE = (
    Column("kind", "Kind"),
    Column("first", "Architecture"),
    Column("second", "Other architecture"),
    *TESTED,
)
KIND_BRIDGE = (
    *SPLIT,
    BEHAVES,
    MEASURE,
    Column("probe", "States after prompts"),
    RHO_OF_PAIRS,
    INTERVAL,
    P_VALUE,
    Column("n_strata", "Architectures", integer),
    NETWORKS,
)
FUNCTIONS = (
    ARCHITECTURE,
    Column("quantity", "Lempel-Ziv length"),
    MEAN,
    INTERVAL,
    RANGE,
    Column("n_seeds", "Networks", integer),
)
INITIAL_RELATIONS = (
    *SPLIT,
    Column("spearman", "Spearman's ρ of phrases and accuracy", correlation),
    P_VALUE,
    Column("n_architectures", "Architectures", integer),
)
EFFECTS = (
    QUANTITY,
    Column("factor", "Factor"),
    Column("level", "Level"),
    Column("baseline", "against"),
    Column("effect", "Difference", number),
    INTERVAL,
    Column("eta_squared", "Partial η²", number),
    NETWORKS,
)
TEXT_EQUIVALENCE = (
    *KIND_EQUIVALENCE[1:3],
    Column("difference", "Difference, nats per token", number),
    *TESTED[1:],
)
DOMAIN, DIFFERING = Column("domain", "Texts"), Column("differing", "Models differ in")
DIFFERENCES = (QUESTION, DOMAIN, DIFFERING, MEAN_OF_PAIRS, INTERVAL, N_PAIRS)
TEXT_MODELS = (
    Column("model", "Model"),
    Column("check_nats", "Loss of the checks, nats per token", number),
    Column("test_nats", "Test loss", number),
    Column("other_nats", "Loss, other package", number),
    Column("accuracy_test", "Right choices", number),
    Column("accuracy_other", "other package", number),
    Column("calibration_error_test", "Calibration error", number),
    Column("calibration_error_other", "other package", number),
    Column("n_steps", "Steps", integer),
    Column("seconds", "CPU seconds", number),
)
RANGES = (
    QUANTITY,
    DOMAIN,
    Column("mean", "Mean of models", number),
    RANGE,
    Column("range", "Range, held out", number),
    Column("low", "95 % of divisions", interval, "low", "high"),
)
TEXT_STATES = (MEASURE, DIFFERING, MEAN_OF_PAIRS, RANGE, N_PAIRS)
RELATIONS = (MEASURE, DOMAIN, QUESTION, RHO_OF_PAIRS, P_VALUE)
DRAWS = Column("low", "95 % of draws", interval, "low", "high")
ENSEMBLES = (
    QUESTION,
    DOMAIN,
    Column("n_members", "Members of each", integer),
    Column("mean", "Different answers", number),
    DRAWS,
)
CHOICES = (
    Column("n_labels", "Labels", integer),
    Column("by", "Chosen by"),
    Column("mean", "Gain in right choices", number),
    DRAWS,
    Column("best", "of the best model", number),
    Column("agreement", "Two draws choose alike", number),
)
PUBLISHED = (
    Column("source", "Source"),
    LANGUAGE,
    ARCHITECTURE,
    Column("arm", "Arm"),
    Column("n_runs", "Runs", integer),
    EXCESS,
    Column("test_loss", "Test loss, nats per position", number),
    Column("id_rule_1", "Rule 1, in distribution", number),
    Column("ood_rule_1", "Rule 1, out of distribution", number),
    Column("flaws", "Known flaws", text),
)
