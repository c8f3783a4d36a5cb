"""Studies of sounds: their looks, estimators and loaders, decided before the first job."""

import numpy as np
import pytest
from tones import RATE, tone

from suffice.errors import DataError, StudyError
from suffice.study.new import write_new_study
from suffice.study.read import check_sources, load_study

soundfile = pytest.importorskip("soundfile")
N_SOUNDS = 210


@pytest.fixture
def clips(tmp_path):
    (tmp_path / "clips").mkdir()
    for number in range(N_SOUNDS):
        soundfile.write(tmp_path / "clips" / f"{number}.wav", tone(number, number % 4, 0.2), RATE)
    return tmp_path / "clips"


def test_sounds_are_seen_in_two_parts_and_ranked_by_both_estimators(clips, tmp_path):
    read = load_study(write_new_study(tmp_path / "mine", clips, content_type="sound"))
    assert read.datasets["clips"].looks.kind == "segments"
    assert list(read.all_estimators) == ["linear", "neighbours"]
    assert [name for name, model in read.models.items() if model.is_control] == ["untrained-projection-32"]


def test_what_sounds_do_not_have_is_named(clips, tmp_path):
    study = write_new_study(tmp_path / "mine", clips, content_type="sound")
    header, row = (study / "datasets.tsv").read_text().splitlines()
    (study / "datasets.tsv").write_text(f"{header}\tviews\n{row}\tcrops\n")
    with pytest.raises(StudyError, match="sounds do not offer such looks; set views to files, group, seg"):
        load_study(study)


def test_a_loader_of_images_is_refused(clips, tmp_path):
    study = write_new_study(tmp_path / "mine", clips, content_type="sound")
    with (study / "models.tsv").open("a") as stream:
        stream.write("edges\timage_pixels\n")
    with pytest.raises(StudyError, match="image_pixels reads items of the modality image"):
        load_study(study)


def test_a_folder_of_a_model_is_an_encoder_of_sounds(clips, tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.HubertConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, conv_dim=[8],
        conv_kernel=[10], conv_stride=[5], num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=1,
    )  # fmt: skip
    transformers.HubertModel(config).save_pretrained(tmp_path / "tiny-hubert")
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path / "tiny-hubert")
    models = ["mfcc", str(tmp_path / "tiny-hubert")]
    study = load_study(write_new_study(tmp_path / "mine", clips, models, content_type="sound"))
    assert study.models["tiny-hubert"].kind == "audio_model"
    check_sources(study)


def test_arrays_without_a_rate_give_no_study(tmp_path):
    np.savez(tmp_path / "tones.npz", x=np.stack([tone(n, 0, 0.2) for n in range(N_SOUNDS)]))
    with pytest.raises((DataError, StudyError), match="rate of its sounds is unknown"):
        write_new_study(tmp_path / "mine", tmp_path / "tones.npz", content="x", content_type="sound")
    assert not (tmp_path / "mine").exists()
