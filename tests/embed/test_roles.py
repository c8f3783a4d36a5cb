"""Queries and documents: each gets the prompt and route that its model has for it, or an error says how."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from suffice.data.corpus import Corpus, Window
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.sentence_transformer import SentenceTransformer, SentenceTransformerSettings
from suffice.embed.write import write_embedding
from suffice.errors import ModelError
from suffice.storage.files import write_json

TEXTS = ["the ferry crosses the sound", "a sparse matrix", "rain fell", "two herons waited at the weir"] * 3
ROLES = ["query", "document", None, "document"] * 3
PROMPTS = {"query": "rain fell ", "passage": "two herons "}


@pytest.fixture
def folder_with(standin, tmp_path):
    """A function that copies the checkpoint and gives it prompts of its own."""

    def make(prompts):
        folder = shutil.copytree(standin, tmp_path / "checkpoint")
        file = folder / "config_sentence_transformers.json"
        content = json.loads(file.read_text())
        file.write_text(json.dumps(content | {"prompts": prompts, "default_prompt_name": None}))
        return folder

    return make


@pytest.fixture
def corpus_with(tmp_path):
    """A function that writes a corpus whose items have roles in a column of some name."""

    def make(column="role", roles=ROLES):
        ids = [str(number) for number in range(len(TEXTS))]
        table = pd.DataFrame({"id": ids, "content": TEXTS, "group": ids, "split": "train", column: roles})
        path = tmp_path / "toy.parquet"
        table.to_parquet(path)
        write_json({"n_items": len(ids), "content_sha256": "0" * 64}, path.with_suffix(".json"))
        return Corpus(path)

    return make


def loader(folder, kind="sentence_transformer", **settings):
    cls, model = {
        "sentence_transformer": (SentenceTransformer, SentenceTransformerSettings),
        "hidden_states": (HiddenStates, HiddenStatesSettings),
    }[kind]
    return cls(model(checkpoint=str(folder), **settings))


def alone(folder, text, kind="sentence_transformer"):
    """The vector of one text, as it is."""
    settings = {"prompt": ""}
    return loader(folder, kind, **settings).open(None).encode(Window(0, ["a"], [text]))[0]


def embedded(folder, corpus, tmp_path, kind="sentence_transformer", **settings):
    path = tmp_path / "vectors.npy"
    card = write_embedding(loader(folder, kind, **settings), corpus, path, model="m", dataset="toy")
    return np.load(path), card


BY_ROLE = {
    "texts": {"prompt_query": PROMPTS["query"], "prompt_document": PROMPTS["passage"]},
    "own": {"own_prompts": True},
}


@pytest.mark.parametrize("kind", ["sentence_transformer", "hidden_states"])
@pytest.mark.parametrize("how", BY_ROLE)
def test_each_role_has_its_own_prompt(how, kind, folder_with, corpus_with, tmp_path):
    folder = folder_with(PROMPTS)
    vectors, _ = embedded(folder, corpus_with(), tmp_path, kind, **BY_ROLE[how])
    before = {"query": PROMPTS["query"], "document": PROMPTS["passage"], None: ""}
    for vector, text, role in zip(vectors, TEXTS, ROLES, strict=True):
        np.testing.assert_allclose(vector, alone(folder, before[role] + text, kind), atol=1e-5)


def test_items_without_a_role_get_the_plain_prompt(folder_with, corpus_with, tmp_path):
    folder = folder_with(PROMPTS)
    vectors, _ = embedded(folder, corpus_with(), tmp_path, own_prompts=True, prompt="a sparse ")
    np.testing.assert_allclose(vectors[2], alone(folder, "a sparse " + TEXTS[2]), atol=1e-5)


ONE_TREATMENT = (
    {},
    {"prompt": "rain fell "},
    {"prompt_name": "query"},
    {"prompt_query": "rain fell "},
    {"prompt_document": "two herons "},
)


@pytest.mark.parametrize("settings", ONE_TREATMENT)
def test_one_treatment_of_a_model_that_has_two_is_refused(settings, folder_with, corpus_with, tmp_path):
    folder = folder_with(PROMPTS)
    with pytest.raises(ModelError, match="own_prompts to true, or give both prompt_query and prompt_"):
        loader(folder, **settings).check_roles("role")
    with pytest.raises(ModelError, match="set own_prompts to true"):
        embedded(folder, corpus_with(), tmp_path, **settings)


@pytest.mark.parametrize(
    "prompts",
    [
        {"query": "rain fell "},
        {"query": "rain fell ", "document": ""},
        {"search_query": "rain ", "search_document": "fell "},
        {"document": "two herons "},
        {"Retrieval-query": "rain", "STS": "fell"},
        {"Query": "rain ", "Passage": "fell "},
        {"web_search_query": "rain ", "sts_query": "fell "},
        {"question": "rain ", "answer": "fell "},
    ],
)
def test_prompts_for_roles_are_known_by_their_names(prompts, folder_with):
    with pytest.raises(ModelError, match="has prompts of its own for queries and documents"):
        loader(folder_with(prompts), prompt="").check_roles("role")


@pytest.mark.parametrize(
    "prompts", [{}, {"query": "", "document": ""}, {"STS": "rain"}, {"query": "a ", "passage": "a "}]
)
def test_a_model_with_one_treatment_needs_no_more(prompts, folder_with, corpus_with, tmp_path):
    folder = folder_with(prompts)
    loader(folder, prompt="").check_roles("role")
    embedded(folder, corpus_with(), tmp_path, prompt="")


def test_a_query_prompt_alone_will_do_where_documents_have_none(folder_with, corpus_with, tmp_path):
    folder = folder_with({"query": "rain fell ", "document": ""})
    vectors, _ = embedded(folder, corpus_with(), tmp_path, prompt_query="rain fell ")
    np.testing.assert_allclose(vectors[0], alone(folder, "rain fell " + TEXTS[0]), atol=1e-5)
    np.testing.assert_allclose(vectors[1], alone(folder, TEXTS[1]), atol=1e-5)


def test_sides_of_a_pair_are_roles_by_their_names(folder_with, corpus_with, tmp_path):
    folder, corpus = folder_with(PROMPTS), corpus_with("side", ["query", "document"] * 6)
    with pytest.raises(
        ModelError, match="column 'side' the same way; set own_prompts to true and role to side"
    ):
        embedded(folder, corpus, tmp_path, prompt_name="query")
    with pytest.raises(ModelError, match="in column 'role', but they are in column 'side'; set role to side"):
        embedded(folder, corpus, tmp_path, own_prompts=True)
    vectors, _ = embedded(folder, corpus, tmp_path, own_prompts=True, role="side")
    np.testing.assert_allclose(vectors[1], alone(folder, PROMPTS["passage"] + TEXTS[1]), atol=1e-5)


def test_other_columns_are_no_roles(folder_with, corpus_with, tmp_path):
    folder = folder_with(PROMPTS)
    for roles in (["query"] * 12, ["query", "document", "neither"] * 4, list(range(12))):
        embedded(folder, corpus_with("kind", roles), tmp_path, prompt="")


def test_roles_count_in_the_identity(folder_with, corpus_with, tmp_path):
    folder, other = folder_with(PROMPTS), ["document", "query", None, "document"] * 3
    _, first = embedded(folder, corpus_with(), tmp_path, own_prompts=True)
    _, second = embedded(folder, corpus_with(roles=other), tmp_path, own_prompts=True)
    assert first["identity_sha256"] != second["identity_sha256"]


def test_own_prompts_of_a_model_without_any_are_named(folder_with):
    said = loader(folder_with({"STS": "rain"}), own_prompts=True).warnings()
    assert any("own_prompts changes nothing" in each for each in said)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"own_prompts": True, "prompt_query": "a"}, "leave prompt_query and prompt_document out"),
        ({"role": "side"}, "role needs prompt_query and prompt_document, or own_prompts"),
    ],
)
def test_settings_that_contradict_each_other(settings, message):
    with pytest.raises(ValueError, match=message):
        SentenceTransformerSettings(checkpoint="x", **settings)


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    """A model whose queries and documents go through word vectors of their own."""
    from sentence_transformers import SentenceTransformer as Model
    from sentence_transformers.base.modules import Router
    from sentence_transformers.sentence_transformer.modules import Pooling, WordEmbeddings
    from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

    words = sorted({word for text in TEXTS for word in text.split()})

    def words_of(seed):
        weights = np.random.default_rng(seed).normal(size=(len(words) + 1, 8)).astype(np.float32)
        tokenizer = WhitespaceTokenizer(vocab=["PAD", *words], stop_words=[], do_lower_case=True)
        return [WordEmbeddings(tokenizer, weights), Pooling(8, "mean")]

    folder = tmp_path_factory.mktemp("router") / "model"
    routed = Router.for_query_document(words_of(0), words_of(1))
    Model(modules=[routed], device="cpu").save(str(folder))
    return folder


def test_routes_of_a_router(router, corpus_with, tmp_path):
    from sentence_transformers import SentenceTransformer as Model

    with pytest.raises(ModelError, match="has routes of its own for queries and documents"):
        loader(router).check_roles("role")
    vectors, _ = embedded(router, corpus_with(), tmp_path, own_prompts=True)
    model = Model(str(router), device="cpu")
    np.testing.assert_allclose(vectors[0], model.encode_query(TEXTS[0]), atol=1e-5)
    np.testing.assert_allclose(vectors[1], model.encode_document(TEXTS[1]), atol=1e-5)
    assert abs(vectors[0] - model.encode_document(TEXTS[0])).max() > 0.1
