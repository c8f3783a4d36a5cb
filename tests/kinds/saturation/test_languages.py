import numpy as np
import pytest

from suffice.errors import DataError
from suffice.kinds.saturation.languages import (
    LANGUAGES,
    crossing_words,
    get_language,
    is_matched,
    nested_words,
)
from suffice.kinds.saturation.prompts import IN, OUT_TEST, OUT_TRAIN, checksum, make_prompts

NAMES = list(LANGUAGES)


@pytest.mark.parametrize("name", NAMES)
def test_every_string_obeys_both_rules_and_stands_once(name):
    language = get_language(name)()
    assert len(set(language.support)) == len(language.support)
    assert all(language.rule_1(string) and language.rule_2(string) for string in language.support)
    assert language.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "size", "n_strings", "entropy"),
    [
        ("anbn", 16, 16, np.log(16)),
        ("anbncn", 12, 12, np.log(12)),
        ("b-then-even-a", 5, 5 * 6, np.log(30)),
        # lengths 1..4: b | bb | bbb, baa | bbbb, baab, baba, bbaa
        ("even-a", 4, 8, np.log(4) + (0 + 0 + np.log(2) + np.log(4)) / 4),
        # words with one pair: (), []; with two: 2 Catalan numbers times 4 kinds
        ("dyck", 2, 2 + 8, np.log(2) + (np.log(2) + np.log(8)) / 2),
        # two pairs, crossing: ((())) .. : 2 * 2 of one kind, 6 interleavings of () and []
        ("shuffled-dyck", 2, 2 + 10, np.log(2) + (np.log(2) + np.log(10)) / 2),
    ],
)
def test_numbers_of_strings_and_entropies_by_hand(name, size, n_strings, entropy):
    language = get_language(name)(size)
    assert len(language.support) == n_strings
    assert language.entropy_nats == pytest.approx(entropy)


def test_words_of_parentheses_against_all_strings():
    import itertools

    strings = ["".join(letters) for letters in itertools.product("()[]", repeat=6)]

    def nested(string):
        while (shorter := string.replace("()", "").replace("[]", "")) != string:
            string = shorter
        return not string

    assert sorted(nested_words(3)) == sorted(filter(nested, strings))
    crossing = [each for each in strings if is_matched(each, "()") and is_matched(each, "[]")]
    assert sorted(crossing_words(6)) == sorted(crossing)


@pytest.mark.parametrize("name", NAMES)
def test_completions_obey_or_break_the_rule(name):
    language = get_language(name)()
    prompts = make_prompts(language)
    for prompt in prompts.out_train + prompts.out_test:
        assert language.rule_1(prompt + language.completion(prompt, obeys_rule_1=True))
        assert not language.rule_1(prompt + language.completion(prompt, obeys_rule_1=False))


def test_prompts_of_the_paper():
    """Length 8 over a and b: 5 begin a string of a^n b^n, 251 do not; 69 of these are balanced."""
    language = get_language("anbn")(128)
    prompts = make_prompts(language, 8)
    outside = prompts.out_train + prompts.out_test
    assert (len(prompts.in_distribution), len(outside)) == (5, 251)
    assert sum(map(language.rule_1, outside)) == 69
    assert len(make_prompts(get_language("anbncn")(85), 5).in_distribution) == 4


@pytest.mark.parametrize("name", NAMES)
def test_prompts_are_split_for_good(name):
    language = get_language(name)()
    first, again = make_prompts(language, seed=1), make_prompts(language, seed=1)
    assert first == again != make_prompts(language, seed=2)
    parts = (first.in_distribution, first.out_train, first.out_test)
    assert len(set().union(*parts)) == sum(map(len, parts))
    assert len(first.out_test) - len(first.out_train) in (0, 1)
    obeying = [sum(map(language.rule_1, part)) for part in (first.out_train, first.out_test)]
    assert abs(obeying[0] - obeying[1]) <= 1
    assert all(language.is_in_distribution(prompt) for prompt in first.in_distribution)
    table = first.table()
    assert table.groupby("part")["sha256_of_part"].nunique().to_dict() == {IN: 1, OUT_TRAIN: 1, OUT_TEST: 1}
    assert checksum(("a", "b")) != checksum(("b", "a"))


def test_samples_follow_the_distribution():
    language = get_language("dyck")(2)
    drawn = language.sample(20_000, seed=0)
    assert drawn == language.sample(20_000, seed=0)
    share = sum(len(string) == 2 for string in drawn) / len(drawn)
    assert share == pytest.approx(0.5, abs=0.015)  # four standard errors
    assert set(drawn) == set(language.support)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_language("anbm"), "unknown language 'anbm'; did you mean 'anbn'"),
        (lambda: get_language("anbn")(0), "max_size is 0"),
        (lambda: get_language("even-a")(30).support, "over 20,000 strings"),
        (
            lambda: make_prompts(get_language("anbn")(4), 6),
            "too long for language anbn with max_size 4: at most 4",
        ),
        (lambda: make_prompts(get_language("anbn")(4), 1), "1 prompts of length 1 in distribution"),
    ],
)
def test_wrong_sizes(call, message):
    with pytest.raises(DataError, match=message):
        call()
