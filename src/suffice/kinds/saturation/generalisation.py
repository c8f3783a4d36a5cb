"""Kinds of generalisation: rules with prompts that no string begins with, and what answers to them mean.

Each kind leaves out some strings of a rule. They have probability 0, so the loss says nothing about them.
Every model of the lowest loss answers prompts in distribution by the rule, and is free on the others. All
kinds have one alphabet, so networks of one seed can start with the same weights.
"""

import itertools
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np

from suffice.errors import DataError
from suffice.kinds.saturation.language import Distribution
from suffice.kinds.saturation.languages import AnBn
from suffice.kinds.saturation.prompts import IN, make_prompts
from suffice.settings import did_you_mean

SYMBOLS = "abcdefghijkl"
ALPHABET = SYMBOLS + "ABCD" + "123" + "&>"
RULE = "the rule"


class Generalisation(Distribution):
    """A rule of which some strings are left out.

    Class attributes: `name`; `text`, the rule in words; `splits`, each split's name with what is new in it;
    `behaviours`, the kinds of answers that `behaviours_of` tells apart, the first being `RULE`.
    """

    letters = ALPHABET
    text: ClassVar[str]
    splits: ClassVar[Mapping[str, str]]
    behaviours: ClassVar[tuple[str, ...]]

    @abstractmethod
    def answer(self, prompt: str) -> str:
        """The completion that the rule asks for, the shortest if there are several."""

    @cached_property
    @abstractmethod
    def prompts(self) -> Mapping[str, tuple[str, ...]]:
        """Prompts by their part: `IN`, whose answers make up the strings, and each split."""

    @abstractmethod
    def behaviours_of(self, prompt: str, completion: str) -> tuple[str, ...]:
        """The behaviours that a finished completion agrees with; there may be several, or none."""

    @cached_property
    def support(self) -> tuple[str, ...]:
        """Every prompt in distribution with its answer."""
        return tuple(prompt + self.answer(prompt) for prompt in self.prompts[IN])

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Equal probabilities, shape (n_strings,)."""
        return np.full(len(self.support), 1 / len(self.support))

    @property
    def context(self) -> int:
        """Tokens that every prompt and one and a half times the longest right answer need, with the start."""
        everything = itertools.chain.from_iterable(self.prompts.values())
        return max(len(prompt) + 3 * len(self.answer(prompt)) // 2 for prompt in everything) + 2


class Compositional(Generalisation):
    """A command language after SCAN (Lake and Baroni 2018, arXiv 1711.00350): primitives and modifiers.

    A command has one or two clauses, each a primitive done once, twice or three times: `a2&b>AAB`. Two pairs
    of a primitive and a modifier are left out, and commands of three clauses.
    """

    name = "compositional"
    text = "a command of clauses such as a2&b is answered by its actions, AAB"
    splits: ClassVar = {
        "combination": "a primitive and a modifier that were never together",
        "length": "three clauses instead of one or two",
    }
    behaviours = (RULE, "modifier left out", "other modifier", "other primitive", "stops short")
    primitives, times = "abcd", ("", "2", "3")
    held_out = ("c2", "d3")
    n_long = 60

    @cached_property
    def clauses(self) -> tuple[str, ...]:
        """Clauses that are seen."""
        every = ("".join(pair) for pair in itertools.product(self.primitives, self.times))
        return tuple(clause for clause in every if clause not in self.held_out)

    @cached_property
    def prompts(self) -> Mapping[str, tuple[str, ...]]:
        """One clause, then two; all with a clause that is left out; and drawn commands of three clauses."""
        every = (*self.clauses, *self.held_out)
        short = [*itertools.product(every), *itertools.product(every, repeat=2)]
        new = [set(command) & set(self.held_out) for command in short]
        long = list(itertools.product(self.clauses, repeat=3))
        drawn = np.random.default_rng(0).choice(len(long), self.n_long, replace=False)
        return {
            IN: tuple("&".join(command) + ">" for command, held in zip(short, new, strict=True) if not held),
            "combination": tuple("&".join(each) + ">" for each, held in zip(short, new, strict=True) if held),
            "length": tuple("&".join(long[index]) + ">" for index in sorted(drawn)),
        }

    @cached_property
    def probabilities(self) -> np.ndarray:
        """One clause or two with probability a half each, then uniform, shape (n_strings,)."""
        n_clauses = np.array([prompt.count("&") for prompt in self.prompts[IN]])
        return 0.5 / np.bincount(n_clauses)[n_clauses]

    def answer(self, prompt: str) -> str:
        """The actions in the order of the clauses."""
        return "".join(clause[0].upper() * int(clause[1:] or 1) for clause in _clauses(prompt))

    def behaviours_of(self, prompt: str, completion: str) -> tuple[str, ...]:
        """The rule; a slip in each new combination; for new lengths a beginning of the answer."""
        found = [RULE] if completion == self.answer(prompt) else []
        if any(clause in self.held_out for clause in _clauses(prompt)):
            found += [name for name, answers in self._slips(prompt).items() if completion in answers]
        elif completion != self.answer(prompt) and self.answer(prompt).startswith(completion):
            found.append("stops short")
        return tuple(found)

    def _slips(self, prompt: str) -> dict[str, set[str]]:
        """The answers with one kind of slip in every new clause."""
        slips: dict[str, dict[str, list[str]]] = {
            "modifier left out": {clause: [clause[0].upper()] for clause in self.held_out},
            "other modifier": {
                clause: [clause[0].upper() * (5 - int(clause[1]))] for clause in self.held_out
            },
            "other primitive": {
                clause: [each.upper() * int(clause[1]) for each in self.primitives if each != clause[0]]
                for clause in self.held_out
            },
        }
        return {
            name: set(
                map("".join, itertools.product(*(made.get(c, [self.answer(c)]) for c in _clauses(prompt))))
            )
            for name, made in slips.items()
        }


def _clauses(prompt: str) -> list[str]:
    return prompt.rstrip(">").split("&")


class Systematic(Generalisation):
    """Pairs of fillers and a question for the first or the second; some fillers are seen in one role only.

    `ab1>a` and `ab2>b`. The answer to a filler in its new role is the filler itself.
    """

    name = "systematic"
    text = "xy1 is answered by x, and xy2 by y"
    splits: ClassVar = {"new role": "a filler that was seen in the other role only"}
    behaviours = (RULE, "other role", "familiar filler")
    both, first_only, second_only = "abcdef", "gh", "ij"

    @cached_property
    def prompts(self) -> Mapping[str, tuple[str, ...]]:
        """All pairs of different fillers in their roles; then new fillers of a role beside those of both."""
        pairs = itertools.product(self.both + self.first_only, self.both + self.second_only)
        new_first = (f"{x}{y}1>" for x, y in itertools.product(self.second_only, self.both))
        new_second = (f"{x}{y}2>" for x, y in itertools.product(self.both, self.first_only))
        return {
            IN: tuple(f"{x}{y}{asked}>" for x, y in pairs if x != y for asked in "12"),
            "new role": (*new_first, *new_second),
        }

    def answer(self, prompt: str) -> str:
        """The filler of the role that is asked for."""
        return prompt[int(prompt[2]) - 1]

    def behaviours_of(self, prompt: str, completion: str) -> tuple[str, ...]:
        """The filler of one role or the other, or one that is not in the prompt."""
        if completion == self.answer(prompt):
            return (RULE,)
        if completion == prompt[2 - int(prompt[2])]:
            return ("other role",)
        is_filler = len(completion) == 1 and completion in self.both + self.first_only + self.second_only
        return ("familiar filler",) if is_filler else ()


class Symbolic(Generalisation):
    """Which symbol the third repeats, ABA or ABB (Marcus et al. 1999, doi 10.1126/science.283.5398.77).

    `aba>1` and `abb>2`. New symbols are in no string, so their vectors stay as they were drawn.
    """

    name = "symbolic"
    text = "xyx is answered by 1, and xyy by 2"
    splits: ClassVar = {"new symbols": "symbols that are in no string"}
    behaviours = (RULE, "always 1", "always 2", "the opposite")
    seen, unseen = SYMBOLS[:8], SYMBOLS[8:]

    @cached_property
    def prompts(self) -> Mapping[str, tuple[str, ...]]:
        """Every two different symbols that are seen, and every two that are not."""
        return {
            part: tuple(f"{x}{y}{third}>" for x, y in itertools.permutations(symbols, 2) for third in (x, y))
            for part, symbols in ((IN, self.seen), ("new symbols", self.unseen))
        }

    def answer(self, prompt: str) -> str:
        """The place of the symbol that the third repeats."""
        return str(prompt.index(prompt[2]) + 1)

    def behaviours_of(self, prompt: str, completion: str) -> tuple[str, ...]:
        """The rule or its opposite, and the label whatever the symbols are."""
        if completion not in ("1", "2"):
            return ()
        return (RULE if completion == self.answer(prompt) else "the opposite", f"always {completion}")


class RuleExtrapolation(Generalisation):
    """The language aⁿ bⁿ, and prompts that break its order, after which there can be as many a as b."""

    name = "rule"
    text = "as many a as b, every a before every b"
    splits: ClassVar = {"new order": "prompts with b before a"}
    behaviours = (RULE, "ends at once")
    language = AnBn(8)

    @cached_property
    def support(self) -> tuple[str, ...]:
        """The language's strings."""
        return self.language.support

    @cached_property
    def probabilities(self) -> np.ndarray:
        """The language's."""
        return self.language.probabilities

    @cached_property
    def prompts(self) -> Mapping[str, tuple[str, ...]]:
        """The language's prompts; there are no arms, so all out of distribution are one part."""
        prompts = make_prompts(self.language)
        return {IN: prompts.in_distribution, "new order": (*prompts.out_train, *prompts.out_test)}

    def answer(self, prompt: str) -> str:
        """The missing letters."""
        return self.language.completion(prompt, obeys_rule_1=True)

    def behaviours_of(self, prompt: str, completion: str) -> tuple[str, ...]:
        """As many a as b in the whole, and no other letters; and an end at once."""
        is_word = set(completion) <= set(self.language.letters)
        obeys = (RULE,) if is_word and self.language.rule_1(prompt + completion) else ()
        return obeys if completion else (*obeys, "ends at once")


KINDS: dict[str, Generalisation] = {
    kind.name: kind for kind in (Compositional(), Systematic(), Symbolic(), RuleExtrapolation())
}
"""Kinds of generalisation by name."""


def get_kind(name: str) -> Generalisation:
    """A kind of generalisation by its name.

    Raises:
        DataError: the kind is unknown.
    """
    if name not in KINDS:
        raise DataError(f"unknown kind {name!r}{did_you_mean(name, list(KINDS))}")
    return KINDS[name]
