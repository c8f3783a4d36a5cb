"""100,000 images and 20,000 clips of sound: seconds and memory from files on disk to vectors.

Images are PNG files of 48 x 48 pixels, and clips are WAV files of two seconds at 16,000 samples per second.
Each step runs in a process of its own on one thread: the corpus (every file is read, checked and hashed), a
floor without weights, and a small network made on the spot (ViT, wav2vec2). The network is small, because
memory and not its speed is the question; a real one adds its weights. Memory is the peak of the resident set.

    python benchmarks/media_streaming.py          # needs 2 GB of disk under the folder for temporary files
    python benchmarks/media_streaming.py quick    # a twentieth of both, to see that it runs
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
from suffice.storage.provenance import machine

TABLE = Path(__file__).resolve().with_suffix(".csv")
N_ITEMS = {"image": 100_000, "sound": 20_000}
SIDE, RATE, SECONDS = 48, 16_000, 2
PER_FOLDER = 1000
STEPS = {
    "image": ("corpus", "image_pixels", "image_model"),
    "sound": ("corpus", "audio_features", "audio_model"),
}
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


def write_image(path: Path, generator: np.random.Generator) -> None:
    """One image of smooth random colours."""
    from PIL import Image

    coarse = generator.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path.with_suffix(".png"))


def write_clip(path: Path, generator: np.random.Generator) -> None:
    """One clip of two tones in noise."""
    import soundfile

    times = np.arange(RATE * SECONDS, dtype=np.float32) / RATE
    pitch, more = generator.uniform(100, 2000, 2)
    clip = 0.3 * np.sin(2 * np.pi * pitch * times) + 0.2 * np.sin(2 * np.pi * more * times)
    noise = 0.05 * generator.standard_normal(len(times), dtype=np.float32)
    soundfile.write(path.with_suffix(".wav"), clip + noise, RATE, subtype="PCM_16")


def write_network(kind: str, folder: Path) -> None:
    """A small ViT or wav2vec2 with random weights, as its library saves it."""
    import transformers

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    if kind == "image":
        config = transformers.ViTConfig(**small, image_size=SIDE, patch_size=16)
        transformers.ViTModel(config).save_pretrained(folder)
        transformers.ViTImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
        return
    strides = {"conv_dim": (16,) * 3, "conv_kernel": (10, 8, 8), "conv_stride": (5, 8, 8)}
    positions = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
    config = transformers.Wav2Vec2Config(**small, **strides, **positions)
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE).save_pretrained(folder)


def write_inputs(kind: str, folder: Path, n_items: int) -> None:
    """All files of one kind, and the network that reads them."""
    generator = np.random.default_rng(0)
    write = {"image": write_image, "sound": write_clip}[kind]
    for number in range(n_items):
        place = folder / "items" / f"{number // PER_FOLDER:03}"
        place.mkdir(parents=True, exist_ok=True)
        write(place / f"{number:06}", generator)
    write_network(kind, folder / "network")


def take(kind: str, step: str, folder: Path) -> None:
    """One step, as the workflow takes it."""
    table = folder / "corpus.parquet"
    if step == "corpus":
        settings = DatasetSettings(source="file", path=str(folder / "items"), content_type=kind)
        build_corpus(settings, 0, table)
        return
    settings = {"checkpoint": str(folder / "network")} if step.endswith("_model") else {}
    loader = build_loader(step, settings, 0, "cpu")
    write_embedding(loader, Corpus(table), folder / f"{step}.npy", model=step, dataset="corpus")


def main(share: float) -> None:
    """Write the table."""
    rows = []
    for kind, n_all in N_ITEMS.items():
        n_items = round(n_all * share)
        with tempfile.TemporaryDirectory() as name:
            write_inputs(kind, Path(name), n_items)
            for step in STEPS[kind]:
                command = [sys.executable, __file__, kind, step, name]
                done = subprocess.run(command, capture_output=True, text=True, check=True, env=ONE_THREAD)
                found = json.loads(done.stdout.splitlines()[-1])
                rows.append({"items": kind, "n_items": n_items, "step": step, **found})
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    if share == 1:
        table.to_csv(TABLE, index=False)
    print(machine())


if __name__ == "__main__":
    if len(sys.argv) == 4:
        start = time.process_time()
        take(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
        status = Path("/proc/self/status").read_text()
        peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
        print(
            json.dumps({"cpu_seconds": round(time.process_time() - start, 1), "peak_memory_mb": round(peak)})
        )
    else:
        main(0.05 if sys.argv[1:] == ["quick"] else 1.0)
