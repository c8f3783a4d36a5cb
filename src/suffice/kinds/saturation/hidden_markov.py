r"""In-context learning without training: a mixture of hidden Markov models, and a twin that cannot do it.

A document is drawn from one of a few *concepts*, each a hidden Markov model. A prompt is several independent
examples of one concept, joined by a delimiter. The mixture itself, as a language model, infers the concept
from the examples and so learns in context (Xie et al., ICLR 2022, arXiv 2111.02080). Its twin is the same
except after a prompt of exactly n examples, where it swaps the two most likely tokens. Prompts of many
examples are rare. The twin's loss can therefore be arbitrarily close, although it is wrong whenever the
mixture is right.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from suffice.errors import DataError

DELIMITER = 0
START_TEMPERATURE = 10.0
PERMUTATION_TEMPERATURE = 1.0
SMOOTHING = 0.01


@dataclass(frozen=True)
class MixtureSize:
    """Size of a mixture of hidden Markov models.

    Attributes:
        n_concepts: hidden Markov models, equally likely.
        n_properties: values of the hidden state's first half; the first emits the delimiter.
        n_entities: values of its second half.
        n_symbols: size of the vocabulary, including the delimiter.
        example_length: tokens of an example without the delimiter; the last token is to be predicted.
    """

    n_concepts: int = 5
    n_properties: int = 5
    n_entities: int = 5
    n_symbols: int = 12
    example_length: int = 5


@dataclass(frozen=True)
class HiddenMarkovMixture:
    """Hidden Markov models with equal weights and shared emissions.

    Attributes:
        start: distribution of the first hidden state of each concept, shape (n_concepts, n_states).
        transitions: of each concept, shape (n_concepts, n_states, n_states), rows sum to 1.
        emissions: shape (n_states, n_symbols), rows sum to 1; all positive.
        size: of the mixture.
    """

    start: np.ndarray
    transitions: np.ndarray
    emissions: np.ndarray
    size: MixtureSize

    def forward(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Forward algorithm of every concept at once.

        Args:
            tokens: shape (n_rows, n_tokens), integers.

        Returns:
            Log-likelihood of the tokens under each concept, shape (n_rows, n_concepts), in nats; and the
            distribution of the next hidden state given them, shape (n_rows, n_concepts, n_states).
        """
        n_rows, (n_concepts, n_states) = len(tokens), self.start.shape
        state = np.broadcast_to(self.start, (n_rows, n_concepts, n_states))
        log_likelihood = np.zeros((n_rows, n_concepts))
        for column in tokens.T:
            joint = state * self.emissions.T[column][:, None, :]
            total = joint.sum(-1)
            log_likelihood += np.log(total)
            state = np.einsum("rcs,cst->rct", joint / total[..., None], self.transitions)
        return log_likelihood, state

    def next_token(self, tokens: np.ndarray) -> np.ndarray:
        """Distribution of the token that follows each row, shape (n_rows, n_symbols)."""
        log_likelihood, state = self.forward(tokens)
        weights = np.exp(log_likelihood - log_likelihood.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)  # weights of the concepts, which are equally likely a priori
        return np.einsum("rc,rcs,sv->rv", weights, state, self.emissions)

    def log_likelihood(self, tokens: np.ndarray) -> np.ndarray:
        """Of each row under the mixture, in nats, shape (n_rows,)."""
        each = self.forward(tokens)[0]
        return np.logaddexp.reduce(each, axis=1) - np.log(each.shape[1])

    def messages(self, allowed: np.ndarray) -> np.ndarray:
        """Probability that tokens from each position on are all allowed, by concept and hidden state there.

        Args:
            allowed: which symbols are allowed at each position, shape (n_tokens, n_symbols), of 0 and 1.

        Returns:
            Shape (n_tokens + 1, n_concepts, n_states); the last is 1.
        """
        found = [np.ones_like(self.start)]
        for row in allowed[::-1]:
            after = np.einsum("cst,ct->cs", self.transitions, found[-1])
            found.append((self.emissions @ row) * after)
        return np.array(found[::-1])

    def form_probability(self, allowed: np.ndarray) -> np.ndarray:
        """Probability under each concept that a document begins with allowed tokens, shape (n_concepts,)."""
        return (self.start * self.messages(allowed)[0]).sum(1)

    def sample(self, concepts: np.ndarray, allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A row of tokens of each given concept, all of them allowed; shape (len(concepts), n_tokens)."""
        messages = self.messages(allowed)
        state = draw_rows(self.start[concepts] * messages[0][concepts], rng)
        tokens = np.empty((len(concepts), len(allowed)), dtype=np.int64)
        for position, row in enumerate(allowed):
            tokens[:, position] = draw_rows(self.emissions[state] * row, rng)
            state = draw_rows(self.transitions[concepts, state] * messages[position + 1][concepts], rng)
        return tokens

    def sample_of_form(self, allowed: np.ndarray, n_rows: int, rng: np.random.Generator) -> np.ndarray:
        """Beginnings of documents of the mixture, given that all tokens are allowed."""
        concepts = draw_rows(np.tile(self.form_probability(allowed), (n_rows, 1)), rng)
        return self.sample(concepts, allowed, rng)

    def prompts(self, concepts: np.ndarray, n_examples: int, rng: np.random.Generator) -> np.ndarray:
        """A prompt of each given concept: examples, each with a delimiter, then one without its last token.

        Every example starts from the initial distribution, unlike the parts of a document.

        Returns:
            Shape (len(concepts), n_examples * (example_length + 1) + example_length - 1).
        """
        length = self.size.example_length
        example = np.concatenate([self._letters(length), self._delimiter()])
        parts = [self.sample(concepts, example, rng) for _ in range(n_examples)]
        return np.concatenate([*parts, self.sample(concepts, self._letters(length - 1), rng)], axis=1)

    def prompt_form(self, n_examples: int) -> np.ndarray:
        """Which symbols are allowed in a prompt: delimiters after each example and nowhere else."""
        length = self.size.example_length
        example = np.concatenate([self._letters(length), self._delimiter()])
        return np.concatenate([np.tile(example, (n_examples, 1)), self._letters(length - 1)])

    def _letters(self, n_tokens: int) -> np.ndarray:
        allowed = np.ones((n_tokens, self.size.n_symbols))
        allowed[:, DELIMITER] = 0
        return allowed

    def _delimiter(self) -> np.ndarray:
        return np.eye(self.size.n_symbols)[[DELIMITER]]


def draw_rows(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An index for each row, drawn in proportion to the row's weights; shape (n_rows,)."""
    cumulated = np.cumsum(weights, axis=1)
    marks = rng.random(len(weights)) * cumulated[:, -1]
    return (cumulated <= marks[:, None]).sum(1)


def make_mixture(size: MixtureSize, seed: int) -> HiddenMarkovMixture:
    """A mixture after GINC (Xie et al. 2022, section 4), smaller.

    A hidden state is a property and an entity. Entities stay the same with probability 0.9. Properties change
    by a random mixture of permutations, which differs between concepts. A table gives the token of a property
    and entity, and property 0 is the delimiter. All other tokens together have probability 0.01.

    Raises:
        DataError: there are fewer than 2 concepts, properties or entities, or fewer than 3 symbols.
    """
    if min(size.n_concepts, size.n_properties, size.n_entities) < 2 or size.n_symbols < 3:
        raise DataError(f"{size} is too small: at least 2 concepts, properties and entities, and 3 symbols")
    rng = np.random.default_rng(seed)
    entities = 0.9 * np.eye(size.n_entities) + 0.1 * _mixed_permutations(size.n_entities, rng)
    transitions = np.array(
        [np.kron(_mixed_permutations(size.n_properties, rng), entities) for _ in range(size.n_concepts)]
    )
    n_states = size.n_properties * size.n_entities
    start = np.exp(rng.standard_normal((size.n_concepts, n_states)) / START_TEMPERATURE)
    return HiddenMarkovMixture(start / start.sum(1, keepdims=True), transitions, _emissions(size, rng), size)


def _mixed_permutations(n: int, rng: np.random.Generator) -> np.ndarray:
    """A random convex mixture of n random permutation matrices."""
    logits = rng.standard_normal(n) / PERMUTATION_TEMPERATURE
    weights = np.exp(logits - logits.max())
    permutations = np.array([np.eye(n)[rng.permutation(n)] for _ in range(n)])
    return np.einsum("k,kij->ij", weights / weights.sum(), permutations)


def _emissions(size: MixtureSize, rng: np.random.Generator) -> np.ndarray:
    """One token of each state, and a little of every other."""
    memory = rng.integers(1, size.n_symbols, size=(size.n_properties, size.n_entities))
    memory[0] = DELIMITER
    return (1 - SMOOTHING) * np.eye(size.n_symbols)[memory.ravel()] + SMOOTHING / size.n_symbols


def swap_two_largest(distribution: np.ndarray) -> np.ndarray:
    """Each row with its two largest entries swapped."""
    rows = np.arange(len(distribution))
    order = np.argsort(-distribution, axis=1, kind="stable")
    swapped = distribution.copy()
    swapped[rows, order[:, 0]] = distribution[rows, order[:, 1]]
    swapped[rows, order[:, 1]] = distribution[rows, order[:, 0]]
    return swapped


def twin_table(
    mixture: HiddenMarkovMixture, numbers_of_examples: tuple[int, ...], n_prompts: int, seed: int
) -> pd.DataFrame:
    r"""How well the mixture and its twin learn in context, and the distance between their losses.

    With C_n the contexts of exactly the form of a prompt with n examples, and p_1 and p_2 the two largest
    next-token probabilities,

    .. math:: KL(p \| q) = P(C_n) \; E[(p_1 - p_2) \log(p_1 / p_2) \mid C_n]

    nats per document, because the two differ only after such contexts. The probability is exact. The
    expectation is over contexts drawn from the mixture given their form, and their largest value bounds it.

    Args:
        mixture: the language model p.
        numbers_of_examples: n of each row.
        n_prompts: prompts for the accuracies, and contexts for the expectation.
        seed: of both.

    Returns:
        n_examples, accuracy_mixture, accuracy_twin (share of prompts whose most likely next token is that
        of the prompt's own concept), chance, form_probability, inner_kl_nats, inner_kl_max_nats, kl_nats,
        kl_max_nats.
    """
    rng = np.random.default_rng(seed)
    return pd.DataFrame([_twin_row(mixture, n, n_prompts, rng) for n in numbers_of_examples])


def _twin_row(
    mixture: HiddenMarkovMixture, n: int, n_prompts: int, rng: np.random.Generator
) -> dict[str, float]:
    concepts = rng.integers(mixture.size.n_concepts, size=n_prompts)
    prompts = mixture.prompts(concepts, n, rng)
    label = best_label(mixture, prompts, concepts)
    predicted = mixture.next_token(prompts)
    form = mixture.prompt_form(n)
    likely = np.sort(mixture.next_token(mixture.sample_of_form(form, n_prompts, rng)), axis=1)
    inner = (likely[:, -1] - likely[:, -2]) * np.log(likely[:, -1] / likely[:, -2])
    form_probability = float(mixture.form_probability(form).mean())
    return {
        "n_examples": n,
        "accuracy_mixture": float((predicted.argmax(1) == label).mean()),
        "accuracy_twin": float((swap_two_largest(predicted).argmax(1) == label).mean()),
        "chance": 1 / mixture.size.n_symbols,
        "form_probability": form_probability,
        "inner_kl_nats": float(inner.mean()),
        "inner_kl_max_nats": float(inner.max()),
        "kl_nats": form_probability * float(inner.mean()),
        "kl_max_nats": form_probability * float(inner.max()),
    }


def best_label(mixture: HiddenMarkovMixture, prompts: np.ndarray, concepts: np.ndarray) -> np.ndarray:
    """The most likely end of each prompt's last example, given its concept; shape (n_prompts,)."""
    last = prompts[:, -(mixture.size.example_length - 1) :]
    state = mixture.forward(last)[1][np.arange(len(prompts)), concepts]
    return (state @ mixture.emissions).argmax(1)
