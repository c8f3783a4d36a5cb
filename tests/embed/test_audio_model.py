"""Encoders of sounds: equal to the library's own forward pass, whatever the batch, and what is refused."""

import json

import numpy as np
import pytest
from tones import RATE, tone

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus
from suffice.embed.audio_model import AudioModel, AudioModelSettings
from suffice.embed.identity import embedding_identity
from suffice.embed.registry import build_loader
from suffice.errors import DataError, ModelError

soundfile = pytest.importorskip("soundfile")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SECONDS = (0.3, 0.45, 0.3, 0.61, 0.45, 0.9, 0.3)  # of the sounds
CONVOLUTIONS = {"conv_dim": [8, 8, 8], "conv_kernel": [10, 8, 4], "conv_stride": [5, 8, 4]}
WAVES = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2, **CONVOLUTIONS,
}  # fmt: skip
BY_LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
CLAP_AUDIO = {
    "spec_size": 64, "num_mel_bins": 16, "patch_embeds_hidden_size": 8, "hidden_size": 16, "depths": [1, 1],
    "num_attention_heads": [1, 2], "num_hidden_layers": 2, "window_size": 4, "projection_dim": 8,
}  # fmt: skip
CLAP_TEXT = {
    "vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
    "intermediate_size": 8,
}  # fmt: skip
WHISPER = {
    "d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 16, "vocab_size": 40,
    "num_mel_bins": 16, "max_source_positions": 50, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    "decoder_start_token_id": 1,
}  # fmt: skip
AST = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
    "max_length": 80, "num_mel_bins": 32, "patch_size": 8, "frequency_stride": 6, "time_stride": 6,
}  # fmt: skip


def config_of(name):
    """A tiny configuration of an architecture."""
    return {
        "wav2vec2": lambda: transformers.Wav2Vec2Config(**WAVES),
        "wav2vec2-layer": lambda: transformers.Wav2Vec2Config(**WAVES, **BY_LAYER),
        "hubert": lambda: transformers.HubertConfig(**WAVES),
        "hubert-layer": lambda: transformers.HubertConfig(**WAVES, **BY_LAYER),
        "wavlm": lambda: transformers.WavLMConfig(**WAVES),
        "wavlm-layer": lambda: transformers.WavLMConfig(**WAVES, **BY_LAYER),
        "adapter": lambda: transformers.Wav2Vec2Config(**WAVES, **BY_LAYER, add_adapter=True),
        "whisper": lambda: transformers.WhisperConfig(**WHISPER),
        "ast": lambda: transformers.ASTConfig(**AST),
        "clap": lambda: transformers.ClapConfig(
            audio_config=CLAP_AUDIO, text_config=CLAP_TEXT, projection_dim=8
        ),
        "clap-fusion": lambda: transformers.ClapConfig(
            audio_config=CLAP_AUDIO | {"enable_fusion": True},
            text_config=CLAP_TEXT,
            projection_dim=8,
        ),
    }[name]()


def extractor_of(name):
    """The feature extractor that such checkpoints come with, for shorter sounds."""
    if name == "whisper":
        return transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=1)
    if name == "ast":
        return transformers.ASTFeatureExtractor(num_mel_bins=32, max_length=80)
    if name.startswith("clap"):
        how = {"truncation": "fusion" if name == "clap-fusion" else "rand_trunc", "max_length_s": 1}
        return transformers.ClapFeatureExtractor(
            feature_size=16, sampling_rate=8000, hop_length=125, fft_window_size=256, **how
        )
    return transformers.Wav2Vec2FeatureExtractor(return_attention_mask="layer" in name or name == "adapter")


def model_of(name):
    """A tiny model with seeded weights."""
    torch.manual_seed(7)
    model = transformers.AutoModel.from_config(config_of(name)).eval()
    for norm in (module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_()
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A function that gives the folder of a tiny checkpoint."""
    made = {}

    def folder_of(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            model_of(name).save_pretrained(made[name])
            extractor_of(name).save_pretrained(made[name])
        return made[name]

    return folder_of


@pytest.fixture(scope="module")
def clips():
    return [tone(number, number % 4, seconds) for number, seconds in enumerate(SECONDS)]


def corpus_of(clips, folder, rate=RATE):
    for number, clip in enumerate(clips):
        soundfile.write(folder / f"{number}.wav", clip, rate, subtype="FLOAT")
    settings = DatasetSettings(source="file", path=str(folder), content_type="sound", min_items=2)
    build_corpus(settings, 0, folder / "corpora" / "clips.parquet")
    return Corpus(folder / "corpora" / "clips.parquet")


@pytest.fixture(scope="module")
def corpus(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    (folder / "corpora").mkdir()
    return corpus_of(clips, folder)


def opened(folder, corpus, seed=0, **settings):
    return AudioModel(AudioModelSettings(checkpoint=str(folder), **settings), seed=seed).open(corpus)


def vectors_of(folder, corpus, seed=0, **settings):
    (window,) = corpus.windows()
    return opened(folder, corpus, seed, **settings).encode(window)


def by_the_library(folder, clips, pool):
    """Vectors of each sound, one at a time, by the library alone."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    model = getattr(model, "audio_model", model)
    model = model.encoder if model.config.model_type == "whisper" else model
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    step, rows = RATE // extractor.sampling_rate, []
    for clip in clips:
        heard = clip if step == 1 else resampled(clip, step)
        inputs = extractor(heard, sampling_rate=extractor.sampling_rate, return_tensors="pt")
        with torch.no_grad():
            rows.append(pool(model(**inputs, output_hidden_states=True), len(heard)))
    return torch.cat(rows).numpy()


def resampled(clip, step):
    """One of `step` samples, after a low-pass filter."""
    from scipy.signal import resample_poly

    return resample_poly(clip.astype(np.float64), 1, step).astype(np.float32)


def ast_heard(states, n_samples):
    """The mean of AST's patches that begin in the sound: 5 bands of 13 times, after two other tokens."""
    n_times = -(-(1 + (n_samples - 400) // 160) // 6)
    return states[:, 2:].unflatten(1, (5, 13))[:, :, :n_times].mean((1, 2))


MEAN = {
    "waves": lambda output, n: output.last_hidden_state.mean(1),
    "first": lambda output, n: output.hidden_states[0].mean(1),
    "whisper": lambda output, n: output.last_hidden_state[:, : -(-n // 320)].mean(1),
    "whisper-1": lambda output, n: output.hidden_states[1][:, : -(-n // 320)].mean(1),
    "ast": lambda output, n: ast_heard(output.last_hidden_state, n),
    "cls": lambda output, n: output.last_hidden_state[:, 0],
    "map": lambda output, n: output.last_hidden_state.mean((2, 3)),
    "map-1": lambda output, n: output.hidden_states[1].mean((2, 3)),
    "pooler": lambda output, n: output.pooler_output.flatten(1),
}
CASES = [
    *((name, {}, "waves") for name in ("wav2vec2", "wav2vec2-layer", "hubert", "hubert-layer")),
    *((name, {}, "waves") for name in ("wavlm", "wavlm-layer", "adapter")),
    ("wav2vec2-layer", {"layer": 0}, "first"),
    ("whisper", {}, "whisper"),
    ("whisper", {"layer": 1}, "whisper-1"),
    ("ast", {}, "ast"),
    ("ast", {"pooling": "cls"}, "cls"),
    ("ast", {"pooling": "pooler"}, "pooler"),
    ("clap", {}, "map"),
    ("clap", {"layer": 1}, "map-1"),
    ("clap", {"pooling": "pooler"}, "pooler"),
    ("clap-fusion", {"pooling": "pooler"}, "pooler"),
]


@pytest.mark.parametrize(("name", "settings", "pool"), CASES)
def test_vectors_are_those_of_the_library_whatever_the_batch(folders, corpus, clips, name, settings, pool):
    expected = by_the_library(folders(name), clips, MEAN[pool])
    for batch_size in (1, 4, 7):
        found = vectors_of(folders(name), corpus, batch_size=batch_size, **settings)
        assert found.dtype == np.float32 and found.std(axis=0).max() > 1e-3
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("name", "pads"), [("wavlm-layer", True), ("wavlm", False), ("adapter", False)])
def test_only_models_that_know_a_mask_have_sounds_of_several_lengths(
    folders, corpus, monkeypatch, name, pads
):
    encoder, sizes = opened(folders(name), corpus), []
    plain = encoder.encode_together

    def watched(items):
        sizes.append({item.n_samples for item in items})
        return plain(items)

    monkeypatch.setattr(encoder, "encode_together", watched)
    (window,) = corpus.windows()
    encoder.encode(window)
    assert (max(map(len, sizes)) > 1) == pads and encoder.warnings() == []


def test_a_mask_that_a_model_was_not_trained_with_is_found(tmp_path, folders, corpus, clips):
    """Group norm reaches over what is padded, whatever the mask says."""
    model_of("wav2vec2").save_pretrained(tmp_path)
    extractor_of("wav2vec2-layer").save_pretrained(tmp_path)
    encoder = opened(tmp_path, corpus)
    assert "sounds of one length are encoded together" in encoder.warnings()[0]
    (window,) = corpus.windows()
    expected = by_the_library(tmp_path, clips, MEAN["waves"])
    np.testing.assert_allclose(encoder.encode(window), expected, atol=1e-4)


@pytest.mark.parametrize(("name", "seconds"), [("whisper", 1.0), ("ast", 0.815), ("clap", 1.0)])
def test_longer_sounds_are_cut_and_counted(folders, tmp_path, name, seconds):
    (tmp_path / "corpora").mkdir()
    long = [tone(number, number, 1.4) for number in range(3)]
    corpus = corpus_of([*long, tone(9, 0, 0.3)], tmp_path)
    (window,) = corpus.windows()
    encoder = opened(folders(name), corpus)
    found = encoder.encode(window)
    assert encoder.n_truncated == 3 and (encoder.encode(window) == found).all()
    rate = encoder.processor.sampling_rate
    whole = resampled(long[1], RATE // rate) if rate < RATE else long[1]
    pool = {"whisper": "whisper", "ast": "ast", "clap": "map"}[name]
    heard = whole[: round(seconds * rate)]
    (expected,) = by_the_library_at(folders(name), heard, MEAN[pool])
    np.testing.assert_allclose(found[1], expected, atol=1e-4)
    assert opened(folders("hubert"), corpus).n_truncated is None


def by_the_library_at(folder, heard, pool):
    """Vectors of one sound that has the model's rate."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    model = getattr(model, "audio_model", model)
    model = model.encoder if model.config.model_type == "whisper" else model
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    inputs = extractor(heard, sampling_rate=extractor.sampling_rate, return_tensors="pt")
    with torch.no_grad():
        return pool(model(**inputs, output_hidden_states=True), len(heard)).numpy()


def test_another_rate_gives_nearly_the_same_vectors(folders, corpus, tmp_path):
    (tmp_path / "corpora").mkdir()
    other = corpus_of([tone(n, n % 4, s, 48_000) for n, s in enumerate(SECONDS)], tmp_path, 48_000)
    encoder = opened(folders("whisper"), other)
    (window,) = other.windows()
    assert encoder.encode(window).shape == (7, 16)
    assert encoder.n_truncated == 0


def test_random_weights_follow_the_seed(folders, corpus):
    one, again, other = (vectors_of(folders("hubert"), corpus, seed, random_init=True) for seed in (0, 0, 1))
    assert (one == again).all() and np.abs(one - other).max() > 0.1


def identity(folder, seed=0, **settings):
    loader = build_loader("audio_model", {"checkpoint": str(folder), **settings}, seed, "cpu")
    loader.check()
    return embedding_identity(loader, "0" * 64)["loader"]


def test_the_identity_follows_the_extractor_and_the_seed(folders, tmp_path):
    before = identity(folders("hubert"))
    assert "seed" not in before and identity(folders("hubert"), random_init=True)["seed"] == 0
    model_of("hubert").save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path)
    assert identity(tmp_path) != before


def test_pickled_weights_and_code_are_refused(folders, tmp_path):
    extractor_of("hubert").save_pretrained(tmp_path)
    model = model_of("hubert")
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled ones are not read for sounds"):
        identity(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"feature_extractor_type": "own.x.Y"}))
    with pytest.raises(ModelError, match="may name code"):
        identity(tmp_path)


@pytest.mark.parametrize("rate", [None, 10**9])
def test_a_processor_without_a_rate_of_sounds_is_refused(tmp_path, rate):
    model_of("hubert").save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=rate).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=f"states the sampling rate {rate} in .* not one of sounds"):
        identity(tmp_path)


def test_noise_of_the_extractor_is_refused(tmp_path, corpus):
    model_of("whisper").save_pretrained(tmp_path)
    transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=1, dither=1e-4).save_pretrained(
        tmp_path
    )
    with pytest.raises(ModelError, match="adds random noise to sounds .dither 0.0001"):
        opened(tmp_path, corpus)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("hubert", {"layer": 7}, "layer 7 does not exist; .* has hidden states 0 to 2"),
        ("hubert", {"pooling": "cls"}, "has no class token"),
        ("hubert", {"pooling": "pooler"}, "has no pooler"),
    ],
)
def test_what_a_model_does_not_have_is_named(folders, corpus, name, settings, message):
    with pytest.raises(ModelError, match=message):
        opened(folders(name), corpus, **settings)


def test_images_and_texts_are_no_sounds(folders, make_corpus):
    with pytest.raises(DataError, match="has no sounds; set content_type sound"):
        opened(folders("hubert"), make_corpus(["a", "b"]))
