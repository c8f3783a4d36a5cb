"""Sounds as items: what is read, what is left out and why, and which parts are looks at them."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tones import RATE, tone

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.check import check_dataset
from suffice.data.corpus import Corpus
from suffice.data.look_pairs import build_looks
from suffice.data.looks import LookContents, read_looks
from suffice.data.media_files import MediaRef
from suffice.data.modalities.sound import SOUND, SoundSettings
from suffice.data.sound_files import Sound, SoundFiles, inspector
from suffice.errors import AssumptionWarning, DataError
from suffice.storage.files import read_json

soundfile = pytest.importorskip("soundfile")
pytestmark = pytest.mark.filterwarnings("ignore::suffice.errors.AssumptionWarning")


def save(path, samples, rate=RATE, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **how)


@pytest.fixture
def folder(tmp_path):
    """Twenty sounds of two kinds, in folders of these."""
    for number in range(20):
        save(
            tmp_path / "clips" / ("high" if number % 2 else "low") / f"{number}.wav", tone(number, number % 2)
        )
    return tmp_path / "clips"


@pytest.fixture
def build(tmp_path):
    """A function that builds the corpus of a path, and returns it with its manifest."""

    def make(path, **settings):
        own = {"source": "file", "path": str(path), "content_type": "sound", "min_items": 2} | settings
        target = tmp_path / "results" / "corpora" / "clips.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        build_corpus(DatasetSettings(**own), 0, target)
        return Corpus(target), read_json(target.with_suffix(".json"))

    return make


def samples_of(corpus):
    """The samples of all sounds of a corpus, by id."""
    table = corpus.table()
    sounds = SoundFiles.of(corpus).each(table["content"].tolist(), lambda sound: sound.samples)
    return dict(zip(table["id"], sounds, strict=True))


def test_sub_folders_are_labels_and_samples_those_of_the_files(folder, build):
    corpus, manifest = build(folder)
    assert manifest["labels"]["label"]["counts"] == {"high": 10, "low": 10}
    assert manifest["dropped"] == {} and "assumed" not in manifest
    assert "soundfile" in manifest["versions"]
    found = samples_of(corpus)
    for number, kind in ((3, "high"), (4, "low")):
        np.testing.assert_allclose(found[f"{kind}/{number}.wav"], tone(number, number % 2), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "how", "near"),
    [
        ("a.flac", {"subtype": "PCM_16"}, 1e-4),
        ("a.wav", {"subtype": "FLOAT"}, 0),
        ("a.ogg", {}, 0.05),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}, 0.05),
        ("a.mp3", {}, 0.05),
    ],
)
def test_every_format_gives_its_samples(tmp_path, build, name, how, near):
    whole = tone(1, 0, 1.0)
    save(tmp_path / "clips" / name, whole, **how)
    save(tmp_path / "clips" / "b.wav", tone(2, 0))
    corpus, _ = build(tmp_path / "clips")
    found = samples_of(corpus)[name]
    n = min(len(found), len(whole))
    assert abs(len(found) - len(whole)) <= (0 if near < 0.01 else 1200)
    assert np.sqrt(np.mean((found[:n] - whole[:n]) ** 2)) <= near


def test_channels_are_averaged_and_the_rate_is_kept(tmp_path, build):
    left, right = tone(1, 0, rate=8000), tone(2, 1, rate=8000)
    save(tmp_path / "clips" / "a.wav", np.stack([left, right], axis=1), 8000, subtype="FLOAT")
    save(tmp_path / "clips" / "b.wav", left, 8000)
    corpus, manifest = build(tmp_path / "clips")
    assert manifest["assumed"] == ["1 sound has several channels, which are averaged: a.wav"]
    content = corpus.column("content")[0]
    assert MediaRef.parse(content).part == (0, 4000, 8000)
    sound = SoundFiles.of(corpus).item(content)
    assert sound.rate == 8000
    np.testing.assert_allclose(sound.samples, (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 44_100, 22_050])
def test_a_new_rate_keeps_frequency_and_strength(rate):
    time = np.arange(rate) / rate
    sound = Sound(np.sin(2 * np.pi * 440 * time).astype(np.float32), rate)
    found = sound.at(16_000)
    assert found.dtype == np.float32 and len(found) == 16_000
    middle = slice(500, -500)  # the filter sees zeros beyond the ends
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(found[middle], expected[middle], atol=5e-3)


def test_a_new_rate_lets_no_frequency_fold_back():
    time = np.arange(48_000) / 48_000
    sound = Sound(np.sin(2 * np.pi * 11_000 * time).astype(np.float32), 48_000)  # above half of 16,000
    assert np.abs(sound.at(16_000)[500:-500]).max() < 5e-3


def test_what_cannot_be_used_is_counted_and_what_is_changed_is_named(folder, build):
    whole = (folder / "high" / "1.wav").read_bytes()
    (folder / "bad.mp3").write_bytes(b"no sound")
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    save(folder / "nan.wav", np.full(4000, np.nan, np.float32), subtype="FLOAT")
    save(folder / "empty.wav", np.zeros(0, np.float32))
    save(folder / "click.wav", tone(5, 0, 0.05))
    save(folder / "silent.wav", np.full(8000, 0.25, np.float32))
    save(folder / "long.wav", tone(6, 1, 1.5))
    with pytest.warns(AssumptionWarning):
        corpus, manifest = build(folder, max_seconds=1)
    assert manifest["dropped"] == {"corrupt": 3, "empty": 1, "silent": 1, "too short": 1}
    assert manifest["settings"]["max_seconds"] == 1
    said = manifest["assumed"]
    assert said == [
        "3 sounds are corrupt and left out: bad.mp3, cut.wav, nan.wav",
        "1 sound is too short and left out: click.wav",
        "1 sound is empty and left out: empty.wav",
        "1 sound is silent and left out: silent.wav",
        "1 sound has more than 1 seconds, of which the first are used: long.wav",
    ]
    np.testing.assert_allclose(samples_of(corpus)["long.wav"], tone(6, 1, 1.5)[:RATE], atol=1e-4)
    assert build(folder, max_seconds=0.5)[1]["content_sha256"] != manifest["content_sha256"]


@pytest.mark.parametrize("rate", [999, 768_001])
def test_a_rate_that_no_sound_has_is_corrupt(folder, build, rate):
    save(folder / "odd.wav", tone(1, 0, 5), rate)
    assert build(folder)[1]["dropped"] == {"corrupt": 1}


def test_other_formats_of_the_library_are_not_opened(folder, build):
    made = io.BytesIO()
    soundfile.write(made, tone(1, 0), RATE, format="AU")
    (folder / "x.wav").write_bytes(made.getvalue())
    assert build(folder)[1]["dropped"] == {"corrupt": 1}


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3"])
def test_damaged_bytes_are_corrupt_or_sound(name):
    made, generator = io.BytesIO(), np.random.default_rng(1)
    soundfile.write(made, tone(1, 0), RATE, format=name.upper())
    look, whole = inspector(SoundSettings(), 0), np.frombuffer(made.getvalue(), np.uint8)
    assert look(whole.tobytes()).fault == ""
    faults = []
    for _ in range(40):
        damaged = whole[: generator.integers(1, len(whole))].copy()
        places = generator.integers(0, min(len(damaged), 200), size=20)
        damaged[places] = generator.integers(0, 256, size=20)
        faults.append(look(damaged.tobytes()).fault)
    assert "corrupt" in faults and set(faults) <= {"", "corrupt", "empty", "too short", "silent"}


def test_a_table_names_paths_and_groups(folder, build):
    names = [f"low/{number}.wav" for number in range(0, 20, 2)]
    table = pd.DataFrame({"path": names, "speaker": [f"s{n // 2}" for n in range(10)]})
    table.to_csv(folder / "about.csv", index=False)
    corpus, manifest = build(folder / "about.csv", group="speaker")
    assert (manifest["n_items"], manifest["n_groups"]) == (10, 5)
    np.testing.assert_allclose(samples_of(corpus)["3"], tone(6, 0), atol=1e-4)
    table.assign(path=[*names[:-1], "low/none.wav"]).to_csv(folder / "about.csv", index=False)
    with pytest.raises(DataError, match="1 of 10 sounds do not exist, such as 'low/none.wav'"):
        build(folder / "about.csv")


def test_bytes_in_parquet_are_read_where_they_lie(folder, build, tmp_path):
    held = [(folder / f"{'high' if n % 2 else 'low'}/{n}.wav").read_bytes() for n in range(20)]
    cells = [{"bytes": each, "path": "x.wav"} for each in [*held, b"none"]]
    pq.write_table(pa.table({"audio": cells, "number": range(21)}), tmp_path / "p.parquet", row_group_size=6)
    corpus, manifest = build(tmp_path / "p.parquet", content="audio")
    assert manifest["dropped"] == {"corrupt": 1} and corpus.column("number").tolist() == list(range(20))
    found = samples_of(corpus)
    assert all(np.abs(found[str(n)] - tone(n, n % 2)).max() < 1e-4 for n in range(20))


@pytest.mark.parametrize("kind", ["float32", "float64", "int16"])
def test_arrays_in_npz_are_sounds(build, tmp_path, kind):
    clips = np.stack([tone(n, n % 2) for n in range(30)])
    held = (clips * 32_768).astype(np.int16) if kind == "int16" else clips.astype(kind)
    np.savez(tmp_path / "tones.npz", x=held, y=np.arange(30) % 2, sample_rate=8000)
    corpus, manifest = build(tmp_path / "tones.npz", content="x")
    assert manifest["n_items"] == 30 and corpus.column("y").tolist()[:3] == [0, 1, 0]
    assert MediaRef.parse(corpus.column("content")[7]).part == (0, RATE // 2, 8000)
    np.testing.assert_allclose(samples_of(corpus)["7"], clips[7], atol=1e-4)


def test_an_unknown_rate_is_an_error_before_the_first_job(tmp_path, build):
    clips, path = np.stack([tone(n, 0) for n in range(60)]), tmp_path / "tones.npz"
    np.savez(path, x=clips)
    about = {"source": "file", "path": str(path), "content_type": "sound", "content": "x", "min_items": 2}
    with pytest.raises(DataError, match="rate of its sounds is unknown; fill in the column sample_rate"):
        check_dataset(DatasetSettings(**about), "tones", True)
    assert check_dataset(DatasetSettings(**about, sample_rate=RATE), "tones", True)
    np.savez(path, x=clips, sample_rate=22_050)
    with pytest.raises(DataError, match="sample_rate is 22050, but datasets.tsv says 16000"):
        build(path, content="x", sample_rate=RATE)
    for wrong, said in ((16_000.5, "sample_rate is 16000.5; give whole samples"), ([1, 2, 3], "lengths")):
        np.savez(path, x=clips, sample_rate=wrong)
        with pytest.raises(DataError, match=said):
            build(path, content="x")


def test_arrays_that_are_no_samples_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 400), np.int64))
    with pytest.raises(DataError, match="the array x is of int64; save sounds as float32, float64, int16"):
        SOUND.table(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_chars": 9}, "use min_seconds and max_seconds for sounds"),
        ({"source": "hub"}, "content_type sound is for source file, not for 'hub'"),
        ({"max_seconds": 0}, "max_seconds"),
        ({"max_seconds": 0.05}, r"max_seconds \(0.05\) is smaller than min_seconds \(0.1\)"),
        ({"sample_rate": 16_000}, "sample_rate is for arrays in a .npz file"),
        ({"max_pixels": 9}, "max_pixels: only with content_type image"),
    ],
)
def test_settings_that_sounds_do_not_have_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DatasetSettings(**({"source": "file", "path": "x", "content_type": "sound"} | settings))


def test_a_changed_file_is_an_error(folder, build):
    corpus, _ = build(folder)
    save(folder / "high" / "1.wav", tone(99, 0))
    with pytest.raises(DataError, match=r"the sound .*1\.wav has changed since the corpus was built"):
        samples_of(corpus)


def test_images_are_no_sounds(folder, build):
    with pytest.raises(DataError, match="has no images"):
        build(folder, content_type="image")


def test_segments_follow_the_bytes_and_the_seed(tmp_path, build):
    clips = np.stack([tone(n, 0) for n in range(220)])
    np.savez(tmp_path / "many.npz", x=clips, sample_rate=RATE)
    corpus, _ = build(tmp_path / "many.npz", content="x", max_seconds=0.4)

    def looks(seed):
        path = tmp_path / "looks" / "one.parquet"
        build_looks(corpus, "segments", seed, path, max_pairs=None, is_wish=False)
        return read_looks(path)

    made = looks(0)
    assert made.kind == "segments" and made.n_pairs == 220
    assert made.sha256 == looks(0).sha256 != looks(1).sha256
    contents = LookContents(made).contents
    parts = np.array([MediaRef.parse(text).part for text in contents])
    first, second = parts[:220], parts[220:]
    lengths = (parts[:, 1] - parts[:, 0]) / 6400
    assert lengths.min() > 0.349 and lengths.max() < 0.501 and lengths.std() > 0.03
    assert parts[:, 0].min() >= 0 and parts[:, 1].max() <= 6400 and (parts[:, 2] == RATE).all()
    earlier = first[:, 1] <= second[:, 0]
    assert (earlier | (second[:, 1] <= first[:, 0])).all()  # no overlap
    assert 70 < earlier.sum() < 150  # either may be the first look
    files = SoundFiles.of(corpus)
    for row in (5, 225):
        start, stop, _ = parts[row]
        assert (files.item(contents[row]).samples == clips[row % 220][start:stop]).all()


def test_a_segment_of_a_file_is_that_part_of_its_samples(folder, build):
    corpus, _ = build(folder)
    ref = MediaRef.parse(corpus.column("content")[0])
    whole, files = samples_of(corpus)[corpus.column("id")[0]], SoundFiles.of(corpus)
    assert (files.item(str(ref.of_part((1000, 3000, RATE)))).samples == whole[1000:3000]).all()
