"""Adam, RMSprop and plain gradient descent: the steps of `torch.optim`, without its classes.

The classes import torch's compiler at their first step. That takes more CPU time than training one of the
small networks here. The functions that they call do not import it.
"""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

Method = Literal["adamw", "adam", "rmsprop", "sgd"]
COMMON: dict[str, Any] = {"weight_decay": 0.0, "maximize": False}
ADAM: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "amsgrad": False, **COMMON}
RMSPROP: dict[str, Any] = {"alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "centered": False, **COMMON}
SGD: dict[str, Any] = {"momentum": 0.0, "dampening": 0.0, "nesterov": False, **COMMON}


class Descent:
    """Steps down the gradients of parameters, with the defaults of `torch.optim` and no weight decay.

    Args:
        method: adam (or adamw, which is the same without weight decay), rmsprop, or sgd without momentum.
        parameters: they are changed by each step; those without a gradient are left as they are.
        rate: the learning rate. It can be changed between two steps.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([3.0]))
        >>> descent = Descent("sgd", [weight], rate=0.5)
        >>> (weight**2).sum().backward()
        >>> descent.step()
        >>> weight.item()
        0.0
    """

    def __init__(self, method: Method, parameters: Iterable[torch.nn.Parameter], rate: float) -> None:
        self.method, self.parameters, self.rate = method, list(parameters), rate
        self._means, self._squares = ([torch.zeros_like(each) for each in self.parameters] for _ in range(2))
        self._steps = [torch.tensor(0.0) for _ in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step."""
        places = [place for place, each in enumerate(self.parameters) if each.grad is not None]
        parameters, means, squares, steps = (
            [every[place] for place in places]
            for every in (self.parameters, self._means, self._squares, self._steps)
        )
        gradients = [each.grad for each in parameters if each.grad is not None]
        if self.method == "sgd":
            sgd(parameters, gradients, [None] * len(places), lr=self.rate, **SGD)
        elif self.method == "rmsprop":
            rmsprop(parameters, gradients, squares, [], [], steps, lr=self.rate, **RMSPROP)
        else:
            adam(parameters, gradients, means, squares, [], steps, lr=self.rate, **ADAM)
