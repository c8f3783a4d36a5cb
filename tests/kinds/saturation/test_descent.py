"""Steps of descent: those of torch's classes bit by bit, without torch's compiler."""

import sys

import pytest
import torch

from suffice.kinds.saturation.descent import Descent

TORCH = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.0),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.1),
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1),
}


def trained(make):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    unused = torch.nn.Parameter(torch.ones(2))
    steps, inputs = make([*network.parameters(), unused]), torch.randn(8, 3)
    for number in range(30):
        if number == 20:  # as a schedule does
            for group in getattr(steps, "param_groups", []):
                group["lr"] *= 0.3
            if isinstance(steps, Descent):
                steps.rate *= 0.3
        steps.zero_grad()
        network(inputs).square().mean().backward()
        steps.step()
    return [*network.parameters(), unused]


@pytest.mark.parametrize("method", TORCH)
def test_steps_are_those_of_torch(method):
    ours = trained(lambda parameters: Descent(method, parameters, 0.1))
    for mine, theirs in zip(ours, trained(TORCH[method]), strict=True):
        assert torch.equal(mine, theirs)


def test_steps_do_not_import_the_compiler(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # an import is now an error
    weight = torch.nn.Parameter(torch.ones(1))
    weight.sum().backward()
    for method in TORCH:
        Descent(method, [weight], 0.1).step()
    with pytest.raises(ImportError):
        torch.optim.Adam([weight]).step()
