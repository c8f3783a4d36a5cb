"""What language models predict after an item: against the library's own forward pass, one item at a time."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from suffice.embed.next_token import NextToken, NextTokenSettings
from suffice.errors import ModelError

TOLERANCE = 1e-4
FAMILIES = ["llama", "mistral", "gemma", "bloom"]
CONTINUATIONS = [" and then", " of the river", " no"]


@pytest.fixture(scope="module")
def language_model(tmp_path_factory, tokenizer_of, causal_config):
    """A function from a family's name to a tiny language model with random weights."""
    made = {}

    def get(family):
        if family not in made:
            folder = tmp_path_factory.mktemp(f"lm-{family}")
            tokenizer = tokenizer_of(family)
            torch.manual_seed(0)
            model = AutoModelForCausalLM.from_config(causal_config(family, tokenizer))
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    if parameter.ndim > 1 and "norm" not in name.lower():
                        parameter.normal_(0.0, 0.25)
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            made[family] = folder
        return made[family]

    return get


def open_encoder(folder, **settings):
    return NextToken(NextTokenSettings(checkpoint=str(folder), **settings)).open(None)


def logs_by_hand(folder, text, continuation=None):
    """Log-probabilities of the next token, or the sum over a continuation, by the plainest use."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = tokenizer(text)["input_ids"]
    after = [] if continuation is None else tokenizer(continuation, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logs = model(input_ids=torch.tensor([ids + after])).logits[0].log_softmax(-1)
    if continuation is None:
        return logs[-1].numpy()
    return float(sum(logs[len(ids) - 1 + step, token] for step, token in enumerate(after)))


@pytest.mark.parametrize("family", FAMILIES)
def test_centred_log_ratios_of_the_next_token(family, language_model, sentences, window):
    folder = language_model(family)
    encoder = open_encoder(folder, n_components=10_000, batch_size=5)
    vectors = encoder.encode(window(sentences))
    expected = np.stack([logs_by_hand(folder, text) for text in sentences])
    np.testing.assert_allclose(vectors, expected - expected.mean(axis=1, keepdims=True), atol=TOLERANCE)
    assert vectors.shape[1] == encoder.embed_dim == len(encoder.tokenizer)


@pytest.mark.parametrize("family", ["llama", "bloom"])  # with and without logits_to_keep in older releases
def test_batches_change_nothing(family, language_model, sentences, window):
    folder = language_model(family)
    alone = open_encoder(folder, n_components=40, batch_size=1).encode(window(sentences))
    together = open_encoder(folder, n_components=40, batch_size=64).encode(window(sentences))
    np.testing.assert_allclose(together, alone, atol=TOLERANCE)
    assert np.abs(alone[0] - alone[1]).max() > 100 * TOLERANCE


def test_the_projection_is_one_matrix_and_keeps_distances(language_model, sentences, window):
    folder = language_model("llama")
    whole = open_encoder(folder, n_components=10_000).encode(window(sentences))
    first = open_encoder(folder, n_components=200).encode(window(sentences))
    second = NextToken(NextTokenSettings(checkpoint=str(folder), n_components=200), seed=5).open(None)
    np.testing.assert_array_equal(second.encode(window(sentences)), first)
    ratio = np.linalg.norm(first[:, None] - first, axis=2)[np.triu_indices(len(first), 1)]
    ratio = ratio / np.linalg.norm(whole[:, None] - whole, axis=2)[np.triu_indices(len(first), 1)]
    assert 0.8 < ratio.min() < ratio.max() < 1.2


@pytest.mark.parametrize("family", ["llama", "gemma"])
def test_log_probabilities_of_continuations(family, language_model, sentences, window, tmp_path):
    path = tmp_path / "continuations.txt"
    path.write_text("\n".join([*CONTINUATIONS, "", "  "]) + "\n")
    folder = language_model(family)
    encoder = open_encoder(folder, continuations=str(path), batch_size=4)
    vectors = encoder.encode(window(sentences))
    expected = [[logs_by_hand(folder, text, each) for each in CONTINUATIONS] for text in sentences]
    np.testing.assert_allclose(vectors, expected, atol=10 * TOLERANCE)
    assert encoder.embed_dim == len(CONTINUATIONS)


def test_an_end_of_text_token_is_dropped(language_model, sentences, window, tmp_path):
    from tokenizers.processors import TemplateProcessing

    source = language_model("llama")
    tokenizer = AutoTokenizer.from_pretrained(source)
    pairs = [(token, tokenizer.convert_tokens_to_ids(token)) for token in ("<s>", "</s>")]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<s> $A </s>", special_tokens=pairs)
    AutoModelForCausalLM.from_pretrained(source).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    found = open_encoder(tmp_path, n_components=30).encode(window(sentences))
    expected = open_encoder(source, n_components=30).encode(window(sentences))
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_a_masked_language_model_is_refused(tokenizer_of, tmp_path):
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = tokenizer_of("bert")
    BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_attention_heads=4,
            num_hidden_layers=2,
            intermediate_size=48,
            initializer_range=0.5,
        )
    ).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="is not a causal language model.*use hidden_states"):
        open_encoder(tmp_path)


def test_a_checkpoint_without_an_output_layer_is_refused(checkpoint):
    with pytest.raises(ModelError, match=r"lacks 1 parameters.*lm_head"):
        open_encoder(checkpoint("llama"))


@pytest.mark.parametrize(
    "text, message",
    [
        ("\n \n", "has no text; write one continuation per line"),
        (" word" * 70, "the longest continuation has"),
    ],
)
def test_continuations_that_do_not_serve(text, message, language_model, tmp_path):
    path = tmp_path / "continuations.txt"
    path.write_text(text)
    with pytest.raises(ModelError, match=message):
        open_encoder(language_model("llama"), continuations=str(path))


def test_settings_without_effect_are_refused():
    with pytest.raises(ValueError, match="n_components has no effect with continuations"):
        NextTokenSettings(checkpoint="x", n_components=8, continuations="y")


def test_continuations_are_part_of_the_identity(language_model, tmp_path):
    path, folder = tmp_path / "continuations.txt", str(language_model("llama"))
    found = []
    for text in (" a", " b"):
        path.write_text(text)
        settings = NextTokenSettings(checkpoint=folder, continuations=str(path))
        found.append(NextToken(settings).identity())
    assert found[0] != found[1]
    assert "continuations_sha256" not in NextToken(NextTokenSettings(checkpoint=folder)).identity()
