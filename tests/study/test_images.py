"""Studies of images: their looks, estimators and loaders, decided before the first job."""

import numpy as np
import pytest
from PIL import Image

from suffice.data.media_files import MediaRef
from suffice.errors import StudyError
from suffice.jobs import CorpusJobs
from suffice.study.new import write_new_study
from suffice.study.read import load_study

transformers = pytest.importorskip("transformers")
N_IMAGES = 210


@pytest.fixture
def pictures(tmp_path):
    folder, generator = tmp_path / "pictures", np.random.default_rng(0)
    folder.mkdir()
    for number in range(N_IMAGES):
        array = generator.integers(0, 256, size=(6, 6, 3), dtype=np.uint8)
        Image.fromarray(array).save(folder / f"{number}.bmp")
    return folder


@pytest.fixture
def study(pictures, tmp_path):
    return write_new_study(tmp_path / "mine", pictures, content_type="image")


def set_column(study, name, value, table="datasets.tsv"):
    """Add a column with one value to a table of a study."""
    header, *rows = (study / table).read_text().splitlines()
    (study / table).write_text("\n".join([f"{header}\t{name}", *(f"{row}\t{value}" for row in rows)]) + "\n")


def test_images_are_seen_in_two_crops_and_ranked_by_nearness(study):
    read = load_study(study)
    assert read.datasets["pictures"].looks.kind == "crops"
    assert list(read.all_estimators) == ["neighbours"]
    assert [name for name, model in read.models.items() if model.is_control] == ["untrained-projection-128"]


def test_models_with_vectors_alone_leave_one_look(study):
    np.save(study / "own.npy", np.random.default_rng(0).normal(size=(N_IMAGES, 5)).astype(np.float32))
    header = (study / "models.tsv").read_text().splitlines()[0].split("\t")
    row = {"model": "own", "loader": "precomputed", "path": str(study / "own.npy")}
    cells = "\t".join(row.get(column, "") for column in header)
    text = (study / "models.tsv").read_text() + cells + "\n"
    first, *others = text.splitlines()
    paths = ["" for _ in others[:-1]] + [str(study / "own.npy")]
    lines = [f"{first}\tpath", *(f"{line}\t{path}" for line, path in zip(others, paths, strict=True))]
    (study / "models.tsv").write_text("\n".join(lines) + "\n")
    read = load_study(study)
    assert read.datasets["pictures"].looks.kind == "same"
    assert list(read.all_estimators) == ["neighbours"]
    set_column(study, "views", "crops")
    with pytest.raises(StudyError, match="views crops: own has vectors of the data set's items alone"):
        load_study(study)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("views", "halves", "images do not offer such looks; set views to files, group, crops or none"),
        (
            "views",
            "group",
            "the row names no groups; fill in the column group, or set views to crops or none",
        ),
        ("scaffolds", "true", "scaffolds: only with content_type smiles"),
    ],
)
def test_what_images_do_not_have_is_named(study, column, value, message):
    set_column(study, column, value)
    with pytest.raises(StudyError, match=message):
        load_study(study)


def test_a_loader_of_texts_is_refused(study):
    with (study / "models.tsv").open("a") as stream:
        stream.write("words\tbag_of_words\n")
    with pytest.raises(StudyError, match="bag_of_words reads items of the modality text"):
        load_study(study)


def test_a_folder_of_a_model_is_an_encoder_of_images(pictures, tmp_path):
    config = transformers.ViTConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        image_size=8,
        patch_size=4,
    )
    transformers.ViTModel(config).save_pretrained(tmp_path / "tiny-vit")
    transformers.ViTImageProcessorPil(size={"height": 8, "width": 8}).save_pretrained(tmp_path / "tiny-vit")
    models = ["edges", str(tmp_path / "tiny-vit")]
    read = load_study(write_new_study(tmp_path / "mine", pictures, models, content_type="image"))
    assert read.models["tiny-vit"].kind == "image_model"
    assert set(read.models) == {"edges", "tiny-vit", "untrained-projection-128"}


def test_a_changed_image_makes_the_corpus_anew(study, pictures):
    class Names:
        dataset = "pictures"

    jobs = CorpusJobs(load_study(study))
    before = jobs.versions(Names)
    assert before == jobs.versions(Names) and before["images"]
    Image.new("RGB", (7, 7)).save(pictures / "3.bmp")
    assert jobs.versions(Names) != before


def test_the_text_of_an_image_begins_with_its_path():
    assert str(MediaRef("0" * 64, "cat.png")).startswith("cat.png ")
