"""Files of molecules that hold none, or something else: each ends with a message that names the file."""

import pytest

from suffice.data.check import check_dataset
from suffice.data.dataset_settings import DatasetSettings
from suffice.errors import DataError

pytest.importorskip("rdkit", reason="needs the molecules extra")

FILES = {
    "empty.sdf": b"",
    "bytes.sdf": b"\xff\xfe\x00garbage",
    "zeros.sdf": bytes(1000),
    "no-atoms.sdf": b"\n\n\n  0  0\nM  END\n$$$$\n" * 3,
    "empty.smi": b"",
    "bytes.smi": b"\xff\xff",
    "one-molecule.smi": b"C\n" * 300,
    "open-brackets.smi": b"(" * 100_000,
    "open-rings.csv": b"smiles\n" + b"C1CC\n" * 300,
    "no-column.csv": b"x\n1\n",
    "column-twice.csv": b"smiles,smiles\nC,C\n",
    "reserved.csv": b"smiles,group\nC,a\n",
}


@pytest.mark.parametrize("settings", [{}, {"scaffolds": True}, {"max_weight": 100.0}], ids=str)
@pytest.mark.parametrize(("name", "content"), FILES.items(), ids=FILES.keys())
def test_no_molecules_are_no_traceback(tmp_path, name, content, settings):
    (tmp_path / name).write_bytes(content)
    dataset = DatasetSettings(source="file", path=str(tmp_path / name), content_type="smiles", **settings)
    with pytest.raises(DataError, match=rf"{name}|data set molecules"):
        check_dataset(dataset, "molecules", ranked=True)
