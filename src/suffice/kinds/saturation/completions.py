"""Completions of prompts by models, greedy or sampled, and the rules that the whole string obeys."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import torch

from suffice.kinds.saturation.language import Language
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.prompts import Prompts
from suffice.kinds.saturation.tokens import Vocabulary

Decoding = Literal["greedy", "sampled"]
COMPLETION_COLUMNS = (
    "part", "prompt", "completion", "finished", "rule_1", "rule_2", "rule_2_after", "grammatical",
)  # fmt: skip


@torch.no_grad()
def complete(
    network: LanguageModel,
    prompts: Sequence[str],
    vocabulary: Vocabulary,
    decoding: Decoding = "greedy",
    seed: int = 0,
) -> list[tuple[str, bool]]:
    """Completion of each prompt, and whether it ended within the model's context.

    Start and padding are never chosen, because no string has them.

    Args:
        network: the model.
        prompts: strings of letters.
        vocabulary: of their language.
        decoding: the most likely token at each step, or a token drawn from the model's distribution.
        seed: of the drawing.
    """
    generator = torch.Generator().manual_seed(seed)
    found: list[tuple[str, bool]] = [("", False)] * len(prompts)
    for length in sorted(set(map(len, prompts))):
        rows = [row for row, prompt in enumerate(prompts) if len(prompt) == length]
        tokens = torch.tensor([[vocabulary.start, *vocabulary.encode(prompts[row])] for row in rows])
        made = _extend(network, tokens, vocabulary, decoding, generator)
        for row, new in zip(rows, made[:, length + 1 :].tolist(), strict=True):
            finished = vocabulary.end in new
            letters = new[: new.index(vocabulary.end)] if finished else new
            found[row] = vocabulary.decode(letters), finished
    return found


def _extend(
    network: LanguageModel,
    tokens: torch.Tensor,
    vocabulary: Vocabulary,
    decoding: Decoding,
    generator: torch.Generator,
) -> torch.Tensor:
    """Rows with tokens added until all have ended or the context is full."""
    ended = torch.zeros(len(tokens), dtype=torch.bool)
    while tokens.shape[1] < network.size.context and not ended.all():
        logits = network(tokens)[:, -1]
        logits[:, [vocabulary.start, vocabulary.padding]] = -torch.inf
        if decoding == "greedy":
            chosen = logits.argmax(1)
        else:
            chosen = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
        chosen = torch.where(ended, vocabulary.padding, chosen)
        ended |= chosen == vocabulary.end
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
    return tokens


def judge(language: Language, part: str, prompt: str, completion: str, finished: bool) -> dict[str, object]:
    """One row: the completion of a prompt and the rules it obeys; an unfinished completion obeys no rule."""
    whole = prompt + completion
    rule_1, rule_2 = (finished and rule(whole) for rule in (language.rule_1, language.rule_2))
    return {
        "part": part,
        "prompt": prompt,
        "completion": completion,
        "finished": finished,
        "rule_1": rule_1,
        "rule_2": rule_2,
        "rule_2_after": finished and language.rule_2_after(prompt, completion),
        "grammatical": rule_1 and rule_2,
    }


def completion_table(
    network: LanguageModel,
    language: Language,
    prompts: Prompts,
    decoding: Decoding = "greedy",
    seed: int = 0,
) -> pd.DataFrame:
    """Completions of all prompts, one row each, with `COMPLETION_COLUMNS`."""
    table = prompts.table()
    made = complete(network, list(table["prompt"]), Vocabulary(language.letters), decoding, seed)
    rows = [
        judge(language, part, prompt, *completion)
        for part, prompt, completion in zip(table["part"], table["prompt"], made, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(COMPLETION_COLUMNS))


def accuracy_table(completions: pd.DataFrame) -> pd.DataFrame:
    """Shares of completions that obey each rule, of all prompts and of the finished ones.

    Args:
        completions: rows of `completion_table`.

    Returns:
        One row per part and rule: part, rule, accuracy (unfinished counts as wrong), accuracy_finished (NaN
        if no completion is finished), finished (share), n_prompts.
    """
    return pd.DataFrame(
        [
            {
                "part": part,
                "rule": rule,
                "accuracy": rows[rule].mean(),
                "accuracy_finished": rows.loc[rows["finished"], rule].mean()
                if rows["finished"].any()
                else np.nan,
                "finished": rows["finished"].mean(),
                "n_prompts": len(rows),
            }
            for part, rows in completions.groupby("part", sort=False)
            for rule in ("rule_1", "rule_2", "rule_2_after", "grammatical")
        ]
    )


def baseline_table(language: Language, prompts: Prompts, n_draws: int = 200, seed: int = 0) -> pd.DataFrame:
    """Baselines without a model: ending at once, and random letters and end.

    Args:
        language: the language.
        prompts: its prompts.
        n_draws: random completions of each prompt.
        seed: of the random completions.

    Returns:
        As `accuracy_table`, with the column baseline: "end at once" or "uniform".
    """
    table = prompts.table()
    pairs = list(zip(table["part"], table["prompt"], strict=True))
    at_once = [judge(language, part, prompt, "", True) for part, prompt in pairs]
    drawn = _random_completions(language, len(pairs) * n_draws, seed)
    uniform = [
        judge(language, part, prompt, next(drawn), True) for part, prompt in pairs for _ in range(n_draws)
    ]
    named = {"end at once": at_once, "uniform": uniform}
    return pd.concat(
        [accuracy_table(pd.DataFrame(rows)).assign(baseline=name) for name, rows in named.items()],
        ignore_index=True,
    )


def _random_completions(language: Language, n_strings: int, seed: int) -> Iterator[str]:
    """Strings of letters drawn uniformly, ended with the probability of one letter."""
    rng = np.random.default_rng(seed)
    lengths = rng.geometric(1 / (len(language.letters) + 1), size=n_strings) - 1
    letters = np.array(list(language.letters))
    return ("".join(rng.choice(letters, size=length)) for length in lengths)
