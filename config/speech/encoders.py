"""Encoders of sounds at 16 kHz: weights from packages, read as data; the networks are written out here.

Rows of models.tsv with the loader `callable` name functions of this file. Each takes sounds and returns one
vector per sound.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from suffice.embed.audio_features import mel_power
from suffice.embed.checkpoint_places import resolve_checkpoint
from suffice.embed.inner_layers import cut_after, read_graph
from suffice.embed.onnx_graph import CPU, load_session
from suffice.seeds import derive_seed
from suffice.storage.files import sha256_of_file

Floats = npt.NDArray[np.floating]
State = dict[str, torch.Tensor]
Network = Callable[[Floats], list[Floats]]
RATE = 16_000  # samples per second
SPEAKER_LEVEL = 10 ** (-30 / 20)  # root mean square that the speaker encoder was trained on
SPEAKER_MELS, SPEAKER_WIDTH = 40, 256
CHUNK, STEP = 576, 512  # samples that the network of speech activity reads, 64 of them a second time
EMBEDDING_FRAMES, EMBEDDING_HOP = 76, 8  # of 10 ms
EMBEDDING_SAMPLES = 12_640  # shorter sounds are followed by silence
PITCH_RATE_UP, PITCH_RATE_DOWN, PITCH_SAMPLES, PITCH_HOP = 441, 320, 43_844, 256
PITCH_OUTPUTS = ("StatefulPartitionedCall:2", "StatefulPartitionedCall:0")  # notes, contours
SPEAKER = (
    "resemblyzer/pretrained.pt",
    "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
)
SILERO = (
    "silero_vad/data/silero_vad_16k.safetensors",
    "c59271c284ae9c8335d795d60e0bfdb71aaaceec578d9bd9ffc1b8153c319ea1",
)
MEL_GRAPH = (
    "livekit/wakeword/resources/melspectrogram.onnx",
    "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f",
)
EMBEDDING_GRAPH = (
    "livekit/wakeword/resources/embedding_model.onnx",
    "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f",
)
BASIC_PITCH = (
    "basic_pitch/saved_models/icassp_2022/nmp.onnx",
    "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec",
)


def resemblyzer(sounds: Sequence[Floats]) -> Floats:
    """Three recurrent layers trained to tell speakers apart, 256 dimensions of length 1.

    Source: Wan et al. 2018, arXiv 1710.10467.
    """
    return rows_of(speaker_encoder(), sounds, 0)


def resemblyzer_layer_1(sounds: Sequence[Floats]) -> Floats:
    """The mean over time of the first of these layers, 256 dimensions."""
    return rows_of(speaker_encoder(), sounds, 1)


def untrained_lstm(sounds: Sequence[Floats]) -> Floats:
    """The mean over time of the first layer of the same network with random weights, 256 dimensions."""
    return rows_of(untrained_speaker_encoder(), sounds, 1)


def silero_vad(sounds: Sequence[Floats]) -> Floats:
    """The mean over time of both states of a network of speech activity, 256 dimensions."""
    return rows_of(speech_activity(), sounds, 0)


def silero_vad_convolutions(sounds: Sequence[Floats]) -> Floats:
    """The mean over time of its last convolution, 128 dimensions."""
    return rows_of(speech_activity(), sounds, 1)


def speech_embedding(sounds: Sequence[Floats]) -> Floats:
    """Google's speech embedding, the mean over windows of 0.76 s, 96 dimensions."""
    return rows_of(embedding_network(), sounds, 0)


def basic_pitch(sounds: Sequence[Floats]) -> Floats:
    """The means over time of notes and contours of a network of transcription, 352 dimensions.

    Source: Bittner et al. 2022, arXiv 2203.09893. It reads the first two seconds.
    """
    return rows_of(note_network(), sounds, 0)


def rows_of(network: Network, sounds: Sequence[Floats], place: int) -> Floats:
    """One of the vectors that a network gives of each sound, one sound at a time."""
    with torch.inference_mode():
        return np.stack([network(sound)[place] for sound in sounds])


def weights_file(weights: tuple[str, str]) -> Path:
    """The path of a file in a package.

    Raises:
        ModelError: the package is not installed.
        ValueError: it has another SHA-256.
    """
    place, sha256 = weights
    path = Path(resolve_checkpoint(f"package:{place}", Path()))
    if sha256_of_file(path) != sha256:
        raise ValueError(f"{path} is not the file with the SHA-256 {sha256}; install the package again")
    return path


@cache
def speaker_encoder() -> Network:
    """The trained network; nothing in the file is executed."""
    state: State = torch.load(weights_file(SPEAKER), map_location="cpu", weights_only=True)["model_state"]
    return speaker_layers(state)


@cache
def untrained_speaker_encoder() -> Network:
    """The same network with random weights, always the same."""
    return speaker_layers(untrained_speaker_state())


def untrained_speaker_state() -> State:
    """Random weights of the speaker encoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(0, "untrained-lstm"))
        lstm = nn.LSTM(SPEAKER_MELS, SPEAKER_WIDTH, 3)
        linear = nn.Linear(SPEAKER_WIDTH, SPEAKER_WIDTH)
    state = {f"lstm.{name}": value.detach() for name, value in lstm.named_parameters()}
    return state | {f"linear.{name}": value.detach() for name, value in linear.named_parameters()}


def speaker_layers(state: State) -> Network:
    """The embedding (256, length 1) and the mean over time of the first layer (256)."""
    layers = []
    for number in range(3):
        layer = nn.LSTM(SPEAKER_WIDTH if number else SPEAKER_MELS, SPEAKER_WIDTH, batch_first=True)
        names = [name for name, _ in layer.named_parameters()]
        layer.load_state_dict({name: state[f"lstm.{name[:-1]}{number}"] for name in names})
        layers.append(layer)

    def run(sound: Floats) -> list[Floats]:
        level = max(float(np.sqrt(np.mean(np.square(sound)))), 1e-9)
        power = mel_power(sound * SPEAKER_LEVEL / level, RATE, SPEAKER_MELS)
        states, means = torch.from_numpy(power).float()[None], []
        for layer in layers:
            states = layer(states)[0]
            means.append(states.mean(1))
        last = functional.relu(functional.linear(states[:, -1], state["linear.weight"], state["linear.bias"]))
        return [functional.normalize(last)[0].numpy(), means[0][0].numpy()]

    return run


@cache
def speech_activity() -> Network:
    """Silero's network of speech activity."""
    from safetensors.torch import load_file

    return activity_layers(load_file(weights_file(SILERO)))


def activity_layers(state: State) -> Network:
    """Spectrum, four convolutions and a recurrent cell, every 32 ms with 4 ms of what came before."""
    cell = nn.LSTMCell(128, 128)
    cell.load_state_dict({name: state[f"lstm_cell.{name}"] for name, _ in cell.named_parameters()})

    def convolutions(chunks: torch.Tensor) -> torch.Tensor:
        states = functional.pad(chunks[:, None], (0, 64), mode="reflect")
        spectrum = functional.conv1d(states, state["stft_conv.weight"], stride=128)
        states = (spectrum[:, :129] ** 2 + spectrum[:, 129:] ** 2).sqrt()
        for name, stride in (("conv1", 1), ("conv2", 2), ("conv3", 2), ("conv4", 1)):
            kernel, bias = state[f"{name}.weight"], state[f"{name}.bias"]
            states = functional.relu(functional.conv1d(states, kernel, bias, stride, padding=1))
        return states.squeeze(-1)

    def run(sound: Floats) -> list[Floats]:
        maps = convolutions(torch.from_numpy(frames(np.pad(sound, (CHUNK - STEP, 0)), CHUNK, STEP)).float())
        both, kept = None, []
        for step in maps:
            both = cell(step[None], both)
            kept.append(torch.cat(both, dim=1)[0])
        return [torch.stack(kept).mean(0).numpy(), maps.mean(0).numpy()]

    return run


@cache
def embedding_network() -> Network:
    """The speech embedding."""
    return embedding_layers(weights_file(MEL_GRAPH), weights_file(EMBEDDING_GRAPH))


def embedding_layers(mel_graph: Path, embedding_graph: Path) -> Network:
    """The two graphs of the speech embedding: mel bands, and the network on them (96)."""
    bands = graph_of(mel_graph, ("output",))
    embedding = graph_of(embedding_graph, ("conv2d_19",))

    def run(sound: Floats) -> list[Floats]:
        whole = np.pad(sound, (0, max(0, EMBEDDING_SAMPLES - len(sound))))
        (mels,) = bands((whole[None] * 2**15).astype(np.float32))
        scaled = mels.reshape(-1, mels.shape[-1]) / 10 + 2
        windows = frames(scaled, EMBEDDING_FRAMES, EMBEDDING_HOP)[..., None]
        return [embedding(np.ascontiguousarray(windows, dtype=np.float32))[0].mean((0, 1, 2))]

    return run


@cache
def note_network() -> Network:
    """Basic Pitch."""
    return note_layers(weights_file(BASIC_PITCH))


def note_layers(path: Path) -> Network:
    """The graph of Basic Pitch, which reads two seconds at 22.05 kHz (352)."""
    from scipy.signal import resample_poly

    graph = graph_of(path, PITCH_OUTPUTS)

    def run(sound: Floats) -> list[Floats]:
        used = resample_poly(sound, PITCH_RATE_UP, PITCH_RATE_DOWN)[:PITCH_SAMPLES]
        n_frames = len(used) // PITCH_HOP
        padded = np.pad(used, (0, PITCH_SAMPLES - len(used)))
        found = graph(padded[None, :, None].astype(np.float32))
        return [np.concatenate([each[0, :n_frames].mean(0) for each in found])]

    return run


def graph_of(path: Path, tensors: tuple[str, ...]) -> Callable[[Floats], list[Any]]:
    """Some tensors of a graph, as a function of its input."""
    part = cut_after(read_graph(path), tensors, str(path))
    session = load_session(part.SerializeToString(), CPU, str(path))
    name = session.get_inputs()[0].name
    return lambda given: list(session.run(list(tensors), {name: given}))


def frames(values: Floats, size: int, hop: int) -> Floats:
    """Runs of `size` along the first axis, every `hop`, shape (n_frames, size, ...)."""
    runs = np.lib.stride_tricks.sliding_window_view(values, size, axis=0)[::hop]
    return np.ascontiguousarray(np.moveaxis(runs, -1, 1))
