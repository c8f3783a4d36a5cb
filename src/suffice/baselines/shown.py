"""What people call the ways to choose a model that tables know by a short key."""

NAMES = {
    "embed_dim": "width",
    "n_parameters": "parameters",
    "rankme": "RankMe",
    "stable_rank": "stable rank",
    "alpha_req": "alpha-ReQ",
    "two_nn": "intrinsic dimension",
    "cka": "CKA",
    "mutual_knn": "mutual neighbours",
    "cross_regression": "cross-regression",
    "public_average": "public scores",
    "self_retrieval": "self-retrieval",
}


def shown_way(key: str) -> str:
    """The name of a way to choose, for figures and pages; a ranking's own name stays as it is."""
    return NAMES.get(key, key)
