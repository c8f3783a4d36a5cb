"""Vectors of sounds from any encoder that the transformers library can load, with its own preprocessing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from suffice.data.corpus import Window
from suffice.data.media_files import MediaFiles, MediaRef
from suffice.data.sound_files import RATES, Sound, SoundFiles
from suffice.embed.media_model import (
    MAP_DIMS,
    PROCESSOR,
    MediaModel,
    MediaModelEncoder,
    MediaModelSettings,
    pooler_output,
    states_of,
)
from suffice.embed.self_check import Probes
from suffice.errors import ModelError

FRAME, HOP = 400, 160  # samples, as the library has them for AST whatever its configuration says
AST_TOKENS = 2  # at the beginning, of class and of distillation
MASK, MASK_SETTING = "attention_mask", "return_attention_mask"
PROBE_SECONDS, PROBE_LEVEL = 0.5, 0.1


class AudioModelSettings(MediaModelSettings):
    """Settings of kind `audio_model`."""

    batch_size: int = Field(
        8, ge=1, description="Items per batch; it does not change vectors, which is checked at opening"
    )


class AudioModel(MediaModel[AudioModelSettings]):
    """wav2vec2, HuBERT, WavLM, the encoder of Whisper, AST, the audio tower of CLAP and the like."""

    kind = "audio_model"
    reads = "sound"
    Settings = AudioModelSettings
    libraries = ("torch", "transformers", "scipy", "soundfile")
    files = SoundFiles
    tower = "audio_model"

    def tower_of(self, model: Any) -> Any:
        """Also the encoder of a model that writes texts."""
        return model.get_encoder() if model.config.is_encoder_decoder else super().tower_of(model)

    def check_files(self) -> None:
        """Also check that the checkpoint states a rate, and adds no noise."""
        super().check_files()
        checkpoint, about = self.settings.checkpoint, self.read_config(PROCESSOR)
        rate, dither = about.get("sampling_rate"), about.get("dither")
        if not isinstance(rate, int) or not RATES[0] <= rate <= RATES[1]:
            raise ModelError(
                f"checkpoint {checkpoint!r} states the sampling rate {rate!r} in {PROCESSOR}, which is "
                "not one of sounds; take a checkpoint that reads sounds, or correct the file"
            )
        if dither:
            raise ModelError(
                f"checkpoint {checkpoint!r} adds random noise to sounds (dither {dither!r} in {PROCESSOR}), "
                "so that a sound has no vector of its own; set dither to 0 in a copy of the checkpoint"
            )

    def load_processor(self, folder: Path) -> Any:
        """The checkpoint's feature extractor."""
        from transformers import AutoFeatureExtractor

        return AutoFeatureExtractor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)

    def encoder(self, files: MediaFiles[Any], processor: Any, model: Any) -> MediaModelEncoder:
        """The encoder of sounds."""
        return AudioModelEncoder(files, processor, model, self.settings)


@dataclass(frozen=True)
class PreparedSound:
    """A sound as input of a model.

    Attributes:
        tensors: the output of the feature extractor, by the names of the model's arguments.
        n_samples: number of samples at the model's rate.
    """

    tensors: Mapping[str, Any]
    n_samples: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first tensor."""
        return tuple(next(iter(self.tensors.values())).shape)


class AudioModelEncoder(MediaModelEncoder):
    """Sounds through a feature extractor and a model.

    Batches have sounds of several lengths only if the model was trained with a mask of what is padded.
    """

    def __init__(
        self, files: MediaFiles[Any], processor: Any, model: Any, settings: AudioModelSettings
    ) -> None:
        super().__init__(files, processor, model, settings)
        self.pads = (
            bool(getattr(processor, MASK_SETTING, False))
            and hasattr(model.config, "conv_kernel")
            and not getattr(model.config, "add_adapter", False)
        )
        self.batches.one_length = not self.pads
        self.longest = _longest(processor)
        self.n_truncated = None if self.longest is None else 0

    def encode(self, window: Window) -> np.ndarray:
        """Pooled vectors, float32, shape (len(window), embed_dim)."""
        if self.n_truncated is not None and self.longest is not None:
            parts = (MediaRef.parse(content).part or (0, 0, 1) for content in window.contents)
            seconds = self.longest / self.processor.sampling_rate
            self.n_truncated += sum((stop - start) / rate > seconds for start, stop, rate in parts)
        return super().encode(window)

    def prepared(self, item: Sound) -> PreparedSound:
        """A sound at the model's rate through the feature extractor, cut at what it reads.

        It is cut here, as some extractors draw a part of a long sound at random.
        """
        rate = self.processor.sampling_rate
        samples = item.at(rate)[: self.longest]
        made = self.processor(samples, sampling_rate=rate, return_tensors="pt")
        return PreparedSound({name: tensor[0] for name, tensor in made.items()}, len(samples))

    def pooled_of(self, prepared: Sequence[PreparedSound]) -> Any:
        """Vectors of sounds; shorter ones are padded with zeros, which is what extractors do."""
        import torch

        settings = self.settings
        tensors = {
            name: torch.nn.utils.rnn.pad_sequence([each.tensors[name] for each in prepared], batch_first=True)
            for name in prepared[0].tensors
        }
        given = {name: self.given(tensor) for name, tensor in tensors.items()}
        output = self.model(**given, output_hidden_states=True, return_dict=True)
        if settings.pooling == "pooler":
            return pooler_output(output, settings.checkpoint)
        states = states_of(output, settings.layer, settings.checkpoint)
        if states.ndim == MAP_DIMS:
            return states.mean(dim=(2, 3))
        if settings.pooling == "cls":
            return states[:, 0]
        heard = self.heard(prepared, tensors, states.shape[1])
        weights = torch.from_numpy(heard / heard.sum(axis=1, keepdims=True)).to(states.device, torch.float32)
        return (states.float() * weights[..., None]).sum(dim=1)

    def heard(
        self, prepared: Sequence[PreparedSound], tensors: Mapping[str, Any], n_tokens: int
    ) -> np.ndarray:
        """Which tokens come from the sound and not from padding, shape (n_items, n_tokens)."""
        config, n_samples = self.model.config, np.array([each.n_samples for each in prepared])
        if hasattr(config, "frequency_stride"):
            return _ast_tokens(n_samples, config)
        if hasattr(config, "conv_kernel"):
            n_frames = _frames_of_convolutions(n_samples, config)
        elif hasattr(config, "max_source_positions") and hasattr(self.processor, "n_samples"):
            n_frames = -(-n_samples * config.max_source_positions // self.processor.n_samples)
        elif MASK in tensors and tensors[MASK].shape[1] == n_tokens:
            return tensors[MASK].numpy().astype(bool)
        else:
            return np.ones((len(prepared), n_tokens), dtype=bool)
        return np.arange(n_tokens) < np.maximum(n_frames, 1)[:, None]

    def probes(self) -> Probes[PreparedSound]:
        """Noise, longer noise if batches may have several lengths, and other noise."""
        rate = self.processor.sampling_rate
        n_samples = round(PROBE_SECONDS * rate)
        noise = np.random.default_rng(0).normal(scale=PROBE_LEVEL, size=(4, n_samples)).astype(np.float32)
        long = np.concatenate(noise[1:3]) if self.pads else noise[1]
        return Probes(*(self._prepared(Sound(samples, rate)) for samples in (noise[0], long, noise[3])))


def _longest(processor: Any) -> int | None:
    """The samples that a feature extractor reads; None for all."""
    for name in ("n_samples", "nb_max_samples"):  # of Whisper and CLAP
        if hasattr(processor, name):
            return int(getattr(processor, name))
    if isinstance(getattr(processor, "max_length", None), int):  # frames, of AST
        return int((processor.max_length - 1) * HOP + FRAME)
    return None


def _frames_of_convolutions(n_samples: np.ndarray, config: Any) -> np.ndarray:
    """Frames that convolutions without padding make of samples."""
    n_frames = n_samples
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        n_frames = (n_frames - kernel) // stride + 1
    return n_frames


def _ast_tokens(n_samples: np.ndarray, config: Any) -> np.ndarray:
    """Patches of AST that begin within the sound; they are ordered by band, then by time."""
    n_bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
    n_times = (config.max_length - config.patch_size) // config.time_stride + 1
    n_frames = 1 + (n_samples - FRAME) // HOP
    in_time = np.arange(n_times) * config.time_stride < np.maximum(n_frames, 1)[:, None]
    tokens = np.tile(in_time, n_bands)
    return np.concatenate([np.zeros((len(tokens), AST_TOKENS), dtype=bool), tokens], axis=1)
