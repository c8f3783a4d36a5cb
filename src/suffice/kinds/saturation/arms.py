"""What a model learns besides its language: nothing, or completions of prompts outside the language.

A prompt that no string of the language begins with has probability 0. Training on it therefore changes
nothing that the test loss can see. After Reizinger et al., ICML 2024, arXiv 2405.01964, with two corrections:
the first token of a completion is trained as well, and training and test prompts differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from suffice.errors import DataError
from suffice.kinds.saturation.language import Language
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.tokens import Batch, Vocabulary, batch_of
from suffice.settings import did_you_mean

LIKELIHOOD, ADVERSARIAL, ORACLE = "likelihood", "adversarial", "oracle"
READ_OUT = "adversarial-read-out"
ARMS = (LIKELIHOOD, ADVERSARIAL, ORACLE, READ_OUT)


@dataclass(frozen=True)
class Arm:
    """One training condition.

    Attributes:
        name: one of `ARMS`.
        prompts: prompts for training.
        completions: completion to learn for each prompt, before the end.
        read_out_only: whether only the map from hidden states to logits is trained.
    """

    name: str
    prompts: tuple[str, ...] = ()
    completions: tuple[str, ...] = ()
    read_out_only: bool = False

    def batch(self, vocabulary: Vocabulary) -> Batch | None:
        """Prompts with completions; the loss counts only the completions. None without completions."""
        if not self.prompts:
            return None
        strings = [prompt + rest for prompt, rest in zip(self.prompts, self.completions, strict=True)]
        return batch_of(strings, vocabulary, given=list(map(len, self.prompts)))

    def parameters(self, network: LanguageModel) -> Iterator[nn.Parameter]:
        """The parameters that are trained."""
        return network.read_out.parameters() if self.read_out_only else network.parameters()


def make_arm(name: str, language: Language, prompts: tuple[str, ...]) -> Arm:
    """An arm by its name.

    `likelihood` trains on the language alone. `oracle` also trains on completions that obey rule 1, and
    `adversarial` on completions that break it by one letter. `adversarial-read-out` starts from a model
    trained by likelihood and trains only its read-out, so it keeps the hidden states of that model.

    Args:
        name: one of `ARMS`.
        language: the language whose rule the completions obey or break.
        prompts: prompts to train on.

    Raises:
        DataError: the arm is unknown.
    """
    if name not in ARMS:
        raise DataError(f"unknown arm {name!r}{did_you_mean(name, list(ARMS))}")
    if name == LIKELIHOOD:
        return Arm(name)
    completions = tuple(language.completion(prompt, obeys_rule_1=name == ORACLE) for prompt in prompts)
    return Arm(name, prompts, completions, read_out_only=name == READ_OUT)
