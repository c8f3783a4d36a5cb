"""What a model is taught beside its language: nothing, or completions of prompts that are outside it.

A prompt that no string of the language begins with has probability 0, so that what is taught about it changes
nothing that the test loss can see. After Reizinger et al., ICML 2024, arXiv 2405.01964, with two repairs:
the first token of a completion is trained as well, and the prompts that are taught are not those that are
asked.
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
    """One way of training.

    Attributes:
        name: one of `ARMS`.
        prompts: prompts that are given.
        completions: what is taught to follow each, before the end.
        read_out_only: whether only the map from hidden states to logits is trained.
    """

    name: str
    prompts: tuple[str, ...] = ()
    completions: tuple[str, ...] = ()
    read_out_only: bool = False

    def batch(self, vocabulary: Vocabulary) -> Batch | None:
        """Prompts with completions, of which the loss counts the latter alone; None if there are none."""
        if not self.prompts:
            return None
        strings = [prompt + rest for prompt, rest in zip(self.prompts, self.completions, strict=True)]
        return batch_of(strings, vocabulary, given=list(map(len, self.prompts)))

    def parameters(self, network: LanguageModel) -> Iterator[nn.Parameter]:
        """The parameters that are trained."""
        return network.read_out.parameters() if self.read_out_only else network.parameters()


def make_arm(name: str, language: Language, prompts: tuple[str, ...]) -> Arm:
    """An arm by its name.

    `likelihood` teaches the language alone; `oracle` also completions that obey rule 1, `adversarial` such
    as break it by one letter. `adversarial-read-out` starts from a model that was trained by likelihood, and
    trains its read-out alone: its hidden states are those of that model.

    Args:
        name: one of `ARMS`.
        language: whose rule the completions obey or break.
        prompts: which prompts to teach.

    Raises:
        DataError: there is no such arm.
    """
    if name not in ARMS:
        raise DataError(f"no arm {name!r}{did_you_mean(name, list(ARMS))}")
    if name == LIKELIHOOD:
        return Arm(name)
    completions = tuple(language.completion(prompt, obeys_rule_1=name == ORACLE) for prompt in prompts)
    return Arm(name, prompts, completions, read_out_only=name == READ_OUT)
