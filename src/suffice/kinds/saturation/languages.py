"""The six languages of Meszaros et al., NeurIPS 2024 (arXiv 2409.13728), each cut at a length."""

import itertools
from collections.abc import Iterator

from suffice.errors import DataError
from suffice.kinds.saturation.language import Language
from suffice.settings import did_you_mean

PAIRS = {"(": ")", "[": "]"}


class EvenA(Language):
    """L1: b followed by any letters, with an even number of a. A size is a length."""

    name, notation, letters = "even-a", "b α", "ab"
    rule_1_text, rule_2_text = "an even number of a", "begins with b"
    default_size, prompt_length = 11, 8

    def strings_of_size(self, size: int) -> Iterator[str]:
        """All strings of this length."""
        tails = map("".join, itertools.product(self.letters, repeat=size - 1))
        return ("b" + tail for tail in tails if self.rule_1(tail))

    def rule_1(self, string: str) -> bool:
        """An even number of a."""
        return string.count("a") % 2 == 0

    def rule_2(self, string: str) -> bool:
        """The first letter is b."""
        return string.startswith("b")

    def rule_2_after(self, prompt: str, completion: str) -> bool:
        """The completion begins with b."""
        return completion.startswith("b")

    def completion(self, prompt: str, obeys_rule_1: bool) -> str:
        """Nothing, or one a."""
        return "" if self.rule_1(prompt) == obeys_rule_1 else "a"

    @property
    def longest_prompt(self) -> int:
        """One letter less than the longest string, which may need one more a."""
        return self.max_size - 1


class ThenEvenA(Language):
    """L2: some b, then an even number of a. A size is the number of b; there are 0, 2, ... 2 max_size a."""

    name, notation, letters = "b-then-even-a", "bⁿ a²ᵐ", "ab"
    rule_1_text, rule_2_text = (
        "an even number of a after the last b",
        "every b before every a, one b at least",
    )
    default_size, prompt_length = 12, 8

    def strings_of_size(self, size: int) -> Iterator[str]:
        """This many b, and each even number of a."""
        return ("b" * size + "aa" * half for half in range(self.max_size + 1))

    def rule_1(self, string: str) -> bool:
        """An even number of a after the last b."""
        return len(string.rpartition("b")[2]) % 2 == 0

    def rule_2(self, string: str) -> bool:
        """All b come first, and there is one."""
        return "b" in string and "ab" not in string

    def rule_2_after(self, prompt: str, completion: str) -> bool:
        """The completion has a b, and none after an a."""
        return self.rule_2(completion)

    def completion(self, prompt: str, obeys_rule_1: bool) -> str:
        """Nothing, or one a."""
        return "" if self.rule_1(prompt) == obeys_rule_1 else "a"

    @property
    def longest_prompt(self) -> int:
        """The length at which even a prompt of only b is in a string."""
        return self.max_size

    def possible_prompts(self, length: int) -> Iterator[str]:
        """Some b then some a, and the same after a leading a, of the length or shorter."""
        for n_letters in range(2, length + 1):
            yield from ("b" * n_b + "a" * (n_letters - n_b) for n_b in range(1, n_letters))
            yield from ("a" + "b" * n_b + "a" * (n_letters - 1 - n_b) for n_b in range(1, n_letters - 1))


class _Counted(Language):
    """The same number of each letter, in alphabetical order."""

    def strings_of_size(self, size: int) -> Iterator[str]:
        """The only string with this many of each letter."""
        yield "".join(letter * size for letter in self.letters)

    def rule_1(self, string: str) -> bool:
        """The same number of each letter."""
        return len({string.count(letter) for letter in self.letters}) == 1

    def rule_2(self, string: str) -> bool:
        """The letters are in alphabetical order."""
        return list(string) == sorted(string)

    def rule_2_after(self, prompt: str, completion: str) -> bool:
        """The completion alone is in alphabetical order."""
        return self.rule_2(completion)

    def completion(self, prompt: str, obeys_rule_1: bool) -> str:
        """The missing letters in alphabetical order; one more of the last breaks the rule."""
        counts = {letter: prompt.count(letter) for letter in self.letters}
        missing = "".join(letter * (max(counts.values()) - count) for letter, count in counts.items())
        return missing if obeys_rule_1 else missing + (missing or self.letters)[-1]

    @property
    def longest_prompt(self) -> int:
        """The length at which even a prompt of only a is in a string."""
        return self.max_size


class AnBn(_Counted):
    """L3: a^n b^n. A size is n."""

    name, notation, letters = "anbn", "aⁿ bⁿ", "ab"
    rule_1_text, rule_2_text = "as many a as b", "every a before every b"
    default_size, prompt_length = 16, 6


class AnBnCn(_Counted):
    """L5: a^n b^n c^n. A size is n."""

    name, notation, letters = "anbncn", "aⁿ bⁿ cⁿ", "abc"
    rule_1_text, rule_2_text = "as many a as b as c", "a before b before c"
    default_size, prompt_length = 12, 5


class _Parentheses(Language):
    """Words of two kinds of parentheses. A size is half the length."""

    letters = "()[]"
    rule_1_text, rule_2_text = "[ ] matched", "( ) matched"
    default_size, prompt_length = 5, 8

    def rule_1(self, string: str) -> bool:
        """Brackets are matched, ignoring parentheses."""
        return is_matched(string, "[]")

    def rule_2(self, string: str) -> bool:
        """Parentheses are matched, ignoring brackets."""
        return is_matched(string, "()")

    def rule_2_after(self, prompt: str, completion: str) -> bool:
        """Parentheses are matched when the first two letters of the prompt are left out."""
        return self.rule_2(prompt[2:] + completion)

    def completion(self, prompt: str, obeys_rule_1: bool) -> str:
        """As many closing brackets as are open, or one more."""
        depth = max(prompt.count("[") - prompt.count("]"), 0)
        return "]" * (depth + (not obeys_rule_1))

    @property
    def longest_prompt(self) -> int:
        """The bracket opened first must be closed later."""
        return 2 * self.max_size - 2

    def possible_prompts(self, length: int) -> Iterator[str]:
        """`([` or `)[`, then a word of the language of the length that is left or shorter."""
        for opening in ("([", ")["):
            for size in range(1, (length - 2) // 2 + 1):
                yield from (opening + word for word in self.strings_of_size(size))


class Dyck(_Parentheses):
    """L4: two kinds of parentheses, properly nested."""

    name, notation = "dyck", "D₂"

    def strings_of_size(self, size: int) -> Iterator[str]:
        """Every nested word with this many pairs."""
        return nested_words(size)


class ShuffledDyck(_Parentheses):
    """L6: two words of one kind of parentheses each, shuffled, so that they may cross."""

    name, notation = "shuffled-dyck", "D₁ ⧢ D₁"

    def strings_of_size(self, size: int) -> Iterator[str]:
        """Every word with this many pairs in which each kind is matched on its own."""
        return crossing_words(2 * size)


def is_matched(string: str, kind: str) -> bool:
    """Whether one kind of parentheses, such as `()`, is matched in a string; others are ignored."""
    depth = 0
    for letter in string:
        depth += (letter == kind[0]) - (letter == kind[1])
        if depth < 0:
            return False
    return depth == 0


def nested_words(n_pairs: int) -> Iterator[str]:
    """Every properly nested word of two kinds of parentheses with this many pairs, each once.

    A word is an opening, a word inside, the closing, and a word after it.
    """
    if n_pairs == 0:
        yield ""
        return
    for inside in range(n_pairs):
        afters = list(nested_words(n_pairs - 1 - inside))
        for word in nested_words(inside):
            yield from (opening + word + PAIRS[opening] + after for opening in PAIRS for after in afters)


def crossing_words(length: int, n_round: int = 0, n_square: int = 0) -> Iterator[str]:
    """Every word of this length that closes this many open parentheses and brackets, in any order."""
    if n_round + n_square > length:
        return
    if length == 0:
        yield ""
        return
    steps = (("(", 1, 0), (")", -1, 0), ("[", 0, 1), ("]", 0, -1))
    for letter, of_round, of_square in steps:
        left = n_round + of_round, n_square + of_square
        if min(left) >= 0:
            yield from (letter + word for word in crossing_words(length - 1, *left))


LANGUAGES: dict[str, type[Language]] = {
    language.name: language for language in (EvenA, ThenEvenA, AnBn, Dyck, AnBnCn, ShuffledDyck)
}
"""Languages by name, in the order L1 to L6 of the paper."""


def get_language(name: str) -> type[Language]:
    """A language by its name.

    Raises:
        DataError: the language is unknown.
    """
    if name not in LANGUAGES:
        raise DataError(f"unknown language {name!r}{did_you_mean(name, list(LANGUAGES))}")
    return LANGUAGES[name]
