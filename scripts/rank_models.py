"""Rank the models of one data set from their pairs with the targets."""

from suffice.data.corpus import Corpus
from suffice.estimators.copies import doubts_about_groups
from suffice.ranking.looks import one_look_pairs, ranked_pairs, with_published_score
from suffice.ranking.relatives import near_copies
from suffice.ranking.row_order import by_model, order_doubts
from suffice.ranking.sample_size import ranking_by_items
from suffice.ranking.scores import rank_pairs, with_health_warnings
from suffice.ranking.settings import RankingSettings
from suffice.storage.files import open_array, read_json, write_table
from suffice.workflow import running_job

with running_job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairs, settings = ranked_pairs(files.pairs), RankingSettings(**params.settings)
    vectors = dict(zip(params.families, map(open_array, files.vectors), strict=True))
    relatives = params.families, near_copies(vectors, params.seed)
    ranking = rank_pairs(pairs, settings, params.seed, *relatives)
    ranking = with_published_score(ranking, one_look_pairs(files.pairs), bool(settings.self_pairs))
    ranking = ranking.assign(is_control=ranking["model"].isin(params.controls))
    doubts = by_model(order_doubts(vectors, seed=params.seed))
    health = {card["model"]: card["health"]["warnings"] for card in map(read_json, files.cards)}
    health = {model: own + doubts.get(model, []) for model, own in health.items()}
    first = ranking.sort_values(["rank", "model"])["model"].iloc[0]  # warnings about all are shown there
    health[first] += doubts_about_groups(list(vectors.values()), Corpus(files.corpus).together)
    write_table(with_health_warnings(ranking, health), snakemake.output.ranking)
    write_table(ranking_by_items(pairs, settings, params.seed, *relatives), snakemake.output.by_items)
