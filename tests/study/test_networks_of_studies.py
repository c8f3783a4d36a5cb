"""Networks that the studies of images and of speech write out: equal to torch's own layers."""

import importlib.util

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
nn, functional = torch.nn, torch.nn.functional


def module_of(project, place):
    path = project / "config" / place
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def efficientnet(project):
    return module_of(project, "images/efficientnet.py")


@pytest.fixture(scope="module")
def encoders(project):
    return module_of(project, "speech/encoders.py")


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("groups", [1, 4])
def test_a_convolution_keeps_the_size(efficientnet, size, groups):
    torch.manual_seed(0)
    states, kernel = torch.randn(2, 4, 9, 9), torch.randn(8, 4 // groups, size, size)
    expected = functional.conv2d(states, kernel, padding="same", groups=groups)
    torch.testing.assert_close(efficientnet.convolved(states, kernel, groups=groups), expected)


def test_a_convolution_of_stride_two_pads_the_far_side_where_it_is_odd(efficientnet):
    torch.manual_seed(0)
    states, kernel = torch.randn(1, 2, 8, 8), torch.randn(3, 2, 3, 3)
    expected = functional.conv2d(functional.pad(states, (0, 1, 0, 1)), kernel, stride=2)
    torch.testing.assert_close(efficientnet.convolved(states, kernel, 2), expected)


def test_a_block_is_torchs_layers(efficientnet):
    torch.manual_seed(0)
    layers = {
        "_expand_conv": nn.Conv2d(4, 12, 1, bias=False), "_bn0": nn.BatchNorm2d(12, eps=1e-3),
        "_depthwise_conv": nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False),
        "_bn1": nn.BatchNorm2d(12, eps=1e-3),
        "_project_conv": nn.Conv2d(12, 4, 1, bias=False), "_bn2": nn.BatchNorm2d(4, eps=1e-3),
    }  # fmt: skip
    for layer in layers.values():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.3)
            nn.init.normal_(layer.bias)
            layer.running_mean.normal_()
            layer.eval()
    expand, bn0, depthwise, bn1, project, bn2 = layers.values()
    given = torch.randn(2, 4, 6, 6)
    with torch.no_grad():
        widened = functional.relu6(bn0(expand(given)))
        expected = given + bn2(project(functional.relu6(bn1(depthwise(widened)))))
        state = {
            f"b.{name}.{key}": value
            for name, layer in layers.items()
            for key, value in layer.state_dict().items()
        }
        torch.testing.assert_close(efficientnet.block(given, state, "b.", 1), expected)


def test_the_speaker_encoder_is_torchs_recurrent_network(encoders):
    torch.manual_seed(1)
    lstm, linear = nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256)
    state = {f"lstm.{name}": value for name, value in lstm.state_dict().items()}
    state |= {f"linear.{name}": value for name, value in linear.state_dict().items()}
    sound = np.random.default_rng(0).normal(size=8_000).astype(np.float32)
    level = np.sqrt(np.mean(sound.astype(np.float64) ** 2))
    power = encoders.mel_power(sound * 10**-1.5 / level, 16_000, 40)
    with torch.no_grad():
        states, _ = lstm(torch.from_numpy(power).float()[None])
        expected = functional.normalize(linear(states[0, -1]).relu(), dim=0)
        last, first = encoders.speaker_layers(state)(sound)
        louder, _ = encoders.speaker_layers(state)(3 * sound)
    np.testing.assert_allclose(last, expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(louder, last, atol=1e-5)
    assert first.shape == (256,)


def test_frames_are_runs_of_the_first_axis(encoders):
    values = np.arange(20).reshape(10, 2)
    found = encoders.frames(values, 4, 3)
    np.testing.assert_array_equal(found, [values[0:4], values[3:7], values[6:10]])


def test_weights_of_another_file_are_refused(encoders, tmp_path, monkeypatch):
    (tmp_path / "resemblyzer").mkdir()
    (tmp_path / "resemblyzer" / "__init__.py").touch()  # or the real package, if it is installed, goes first
    (tmp_path / "resemblyzer" / "pretrained.pt").write_bytes(b"none")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="is not the file with the SHA-256 3937"):
        encoders.weights_file(encoders.SPEAKER)


def test_random_weights_are_always_the_same_and_leave_torchs_generator_alone(encoders):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two = encoders.untrained_speaker_state(), encoders.untrained_speaker_state()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert torch.equal(torch.get_rng_state(), before)
