"""Images as items: what is read, what is left out and why, and which crops are looks at them."""

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus
from suffice.data.image_files import SCALE, ImageFiles
from suffice.data.look_pairs import build_looks
from suffice.data.looks import LookContents, read_looks
from suffice.data.media_files import MediaRef
from suffice.data.modalities.image import IMAGE
from suffice.errors import AssumptionWarning, DataError
from suffice.storage.files import read_json

pytestmark = pytest.mark.filterwarnings("ignore::suffice.errors.AssumptionWarning")


def noise(seed, size=(12, 10), channels=3):
    """A random image, shape (height, width, channels)."""
    return np.random.default_rng(seed).integers(0, 256, size=(*size, channels), dtype=np.uint8)


def save_noise(path, seed, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed)).save(path, **how)


@pytest.fixture
def folder(tmp_path):
    """Twenty images in folders of two classes."""
    for number in range(20):
        save_noise(tmp_path / "pictures" / ("cat" if number % 2 else "dog") / f"{number}.png", number)
    return tmp_path / "pictures"


@pytest.fixture
def build(tmp_path):
    """A function that builds the corpus of a path, and returns it with its manifest."""

    def make(path, **settings):
        own = {"source": "file", "path": str(path), "content_type": "image", "min_items": 2} | settings
        target = tmp_path / "results" / "corpora" / "pictures.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        build_corpus(DatasetSettings(**own), 0, target)
        return Corpus(target), read_json(target.with_suffix(".json"))

    return make


def pixels_of(corpus):
    """All images of a corpus as arrays, by id."""
    files = ImageFiles.of(corpus)
    table = corpus.table()
    images = files.each(table["content"].tolist(), np.asarray)
    return dict(zip(table["id"], images, strict=True))


def test_sub_folders_are_labels_and_paths_ids(folder, build):
    corpus, manifest = build(folder)
    table = corpus.table().set_index("id")
    assert len(table) == 20 and table.loc["cat/1.png", "label"] == "cat"
    assert manifest["labels"]["label"]["counts"] == {"cat": 10, "dog": 10}
    assert manifest["dropped"] == {} and "assumed" not in manifest
    images = pixels_of(corpus)
    assert all((images[f"{name}/{n}.png"] == noise(n)).all() for n, name in ((3, "cat"), (4, "dog")))


def test_folders_train_and_test_are_the_split(tmp_path, build):
    for number in range(12):
        save_noise(
            tmp_path / "set" / ("test" if number < 4 else "train") / f"c{number % 2}" / f"{number}.png",
            number,
        )
    corpus, _ = build(tmp_path / "set")
    assert Counter(corpus.column("split")) == {"train": 8, "test": 4}
    assert set(corpus.column("label")) == {"c0", "c1"}


def test_equal_bytes_are_duplicates(folder, build):
    (folder / "cat" / "copy.png").write_bytes((folder / "dog" / "0.png").read_bytes())
    corpus, manifest = build(folder)
    assert manifest["dropped"] == {"duplicate": 1} and manifest["n_items"] == 20
    _, manifest = build(folder, deduplicate=False)
    assert manifest["n_items"] == 21 and manifest["dropped"] == {}


def test_the_hash_follows_bytes_and_not_the_place_of_the_folder(folder, build):
    _, before = build(folder)
    moved = folder.rename(folder.parent / "elsewhere")
    _, after = build(moved)
    assert before["content_sha256"] == after["content_sha256"]
    save_noise(moved / "cat" / "1.png", 99)
    assert build(moved)[1]["content_sha256"] != after["content_sha256"]


def test_a_changed_file_is_an_error_and_another_state(folder, build):
    settings = DatasetSettings(source="file", path=str(folder), content_type="image")
    corpus, before = build(folder)[0], IMAGE.state(settings)
    assert before == IMAGE.state(settings)
    save_noise(folder / "cat" / "1.png", 99)
    assert before != IMAGE.state(settings)
    (folder / "about.csv").write_text("path\ncat/1.png\ncat/none.png\n")
    named = settings.model_copy(update={"path": str(folder / "about.csv")})
    assert IMAGE.state(named) not in ({"images": ""}, before)
    assert IMAGE.state(named.model_copy(update={"content": "nothing"})) == {"images": ""}
    with pytest.raises(DataError, match=r"1\.png has changed since the corpus was built"):
        pixels_of(corpus)


def test_what_cannot_be_used_is_counted_and_what_is_changed_is_named(folder, build):
    (folder / "bad.png").write_bytes(b"no image")
    whole = (folder / "cat" / "1.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("1", (400, 300)).save(folder / "large.png")
    Image.new("CMYK", (9, 9), (255, 0, 0, 0)).save(folder / "print.jpg", quality=100)
    frames = [Image.fromarray(noise(seed)) for seed in (60, 61)]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(folder / "clear.png")
    Image.fromarray(np.full((8, 8), 257 * 40, dtype=np.uint16)).save(folder / "deep.png")
    with pytest.warns(AssumptionWarning):
        corpus, manifest = build(folder, max_pixels=10_000)
    assert manifest["dropped"] == {"corrupt": 2, "huge": 1}
    said = " ".join(manifest["assumed"])
    for sentence in (
        "2 images are corrupt and left out: bad.png, cut.png",
        "1 image is huge and left out: large.png",
        "1 image has more than one frame; the first one is used: film.gif",
        "1 image has CMYK colours, converted to RGB: print.jpg",
        "1 image has transparent parts, put on white: clear.png",
        "1 image has 16 bits per channel, reduced to 8: deep.png",
    ):
        assert sentence in said
    images = pixels_of(corpus)
    assert (images["clear.png"] == 255).all() and (images["deep.png"] == 40).all()
    red, green, blue = images["print.jpg"][4, 4]
    assert red < 30 and green > 200 and blue > 200


def test_a_picture_that_lies_on_its_side_is_turned(folder, build):
    about = Image.Exif()
    about[274] = 6  # turn by 90 degrees clockwise
    save_noise(folder / "turned.png", 50, exif=about)
    images = pixels_of(build(folder)[0])
    assert (images["turned.png"] == np.rot90(noise(50), -1)).all()


def test_a_table_names_paths_beside_it(folder, build):
    names = [f"dog/{number}.png" for number in range(0, 20, 2)]
    table = pd.DataFrame({"picture": names, "weight": range(10), "owner": [f"o{n // 2}" for n in range(10)]})
    table.to_csv(folder / "about.csv", index=False)
    corpus, manifest = build(folder / "about.csv", content="picture", group="owner")
    assert manifest["n_items"] == 10 and manifest["n_groups"] == 5
    assert corpus.column("weight").tolist() == list(range(10))
    assert (pixels_of(corpus)["3"] == noise(6)).all()
    table.loc[4, "picture"] = "dog/none.png"
    table.to_csv(folder / "about.csv", index=False)
    with pytest.raises(DataError, match=r"1 of 10 images do not exist, such as 'dog/none\.png'; paths start"):
        build(folder / "about.csv", content="picture")


def test_a_table_reads_nothing_outside_of_its_folder(folder, build):
    save_noise(folder.parent / "private.png", 1)
    (folder / "link.png").symlink_to(folder.parent / "private.png")
    for name in ("../private.png", str(folder.parent / "private.png"), "link.png"):
        pd.DataFrame({"path": ["dog/0.png", name]}).to_csv(folder / "about.csv", index=False)
        with pytest.raises(DataError, match="1 of 2 images are outside the folder"):
            build(folder / "about.csv")


@pytest.mark.parametrize("as_struct", [False, True])
def test_bytes_in_parquet_are_read_where_they_lie(folder, build, tmp_path, as_struct):
    held = [(folder / f"{'cat' if n % 2 else 'dog'}/{n}.png").read_bytes() for n in range(20)] + [b"none"]
    cells = [{"bytes": each, "path": "x.png"} for each in held] if as_struct else held
    pq.write_table(pa.table({"image": cells, "number": range(21)}), tmp_path / "p.parquet", row_group_size=6)
    corpus, manifest = build(tmp_path / "p.parquet", content="image")
    assert manifest["dropped"] == {"corrupt": 1}
    images = pixels_of(corpus)
    assert all((images[str(n)] == noise(n)).all() for n in range(20))
    assert corpus.column("number").tolist() == list(range(20))


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_arrays_in_npz_are_images(build, tmp_path, channels):
    arrays = np.stack([noise(n, channels=channels or 1) for n in range(30)])
    arrays = arrays if channels else arrays[..., 0]
    np.savez_compressed(tmp_path / "digits.npz", x=arrays, y=np.arange(30) % 3)
    corpus, manifest = build(tmp_path / "digits.npz", content="x")
    assert manifest["n_items"] == 30 and corpus.column("y").tolist()[:4] == [0, 1, 2, 0]
    seven = pixels_of(corpus)["7"]
    assert (seven == (arrays[7] if channels == 3 else arrays[7].reshape(12, 10, 1))).all()


def test_arrays_that_are_no_bytes_or_of_unequal_length_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 4, 4)))
    with pytest.raises(DataError, match="the array x is of float64; save images as uint8"):
        IMAGE.table(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.zeros((5, 4, 4), np.uint8), y=np.zeros(4))
    with pytest.raises(DataError, match="different lengths: x 5, y 4"):
        IMAGE.table(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_chars": 9}, "min_chars and max_chars are for texts; use max_pixels for images"),
        ({"content": "a,b"}, "pairs of images are not read"),
        ({"source": "hub"}, "content_type image is for source file, not for 'hub'"),
        ({"max_pixels": 0}, "max_pixels"),
    ],
)
def test_settings_that_images_do_not_have_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DatasetSettings(**({"source": "file", "path": "x", "content_type": "image"} | settings))


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(DataError, match="has no images"):
        IMAGE.table(tmp_path)


def test_a_text_that_is_no_image_is_named():
    with pytest.raises(DataError, match="'cat.png' does not name a file with its hash; set content_type"):
        MediaRef.parse("cat.png")
    ref = MediaRef("a" * 64, "b c#1.png@2,3", 4, (1, 2, 30, 40))
    assert MediaRef.parse(str(ref)) == ref


def test_a_page_shows_the_path_or_the_row():
    assert IMAGE.shown(str(MediaRef("0" * 64, "dog/a b.png"))) == "dog/a b.png"
    assert IMAGE.shown(str(MediaRef("0" * 64, "d.npz/x", 12, (0, 0, 5, 5)))) == "d.npz/x, row 12"


def test_crops_follow_the_bytes_and_the_seed(tmp_path, build):
    arrays = np.stack([noise(n, (40, 40)) for n in range(220)])
    np.savez(tmp_path / "many.npz", x=arrays)
    corpus, _ = build(tmp_path / "many.npz", content="x")

    def looks(seed, name="one"):
        path = tmp_path / "looks" / f"{name}.parquet"
        build_looks(corpus, "crops", seed, path, max_pairs=None, is_wish=False)
        return read_looks(path)

    made = looks(0)
    assert made.kind == "crops" and made.n_pairs == 220
    assert made.sha256 == looks(0).sha256 != looks(1).sha256
    contents = LookContents(made).contents
    boxes = np.array([MediaRef.parse(text).part for text in contents]) / SCALE
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert (boxes >= 0).all() and (boxes <= 1).all() and areas.min() > 0.34 and areas.max() < 0.76
    assert areas.std() > 0.05 and (boxes[:220] != boxes[220:]).any(axis=1).all()
    left, upper, right, lower = np.floor(boxes[5, :2] * 40).tolist() + np.ceil(boxes[5, 2:] * 40).tolist()
    crop = np.asarray(ImageFiles.of(corpus).item(contents[5]))
    assert (crop == arrays[5][int(upper) : int(lower), int(left) : int(right)]).all()
