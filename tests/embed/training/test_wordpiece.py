import subprocess
import sys

import pytest

from suffice.embed.training.wordpiece import (
    N_SPECIAL,
    SPECIAL_TOKENS,
    alphabet_of,
    blank_tokenizer,
    train_tokenizer,
)
from suffice.errors import ModelError

pytest.importorskip("transformers", reason="needs the text extra")

TEXTS = [
    "The old cat sees the red house",
    "A young dog follows the wide river",
    "The grey horse greets an empty road",
]
PRINT_VOCABULARY = f"""
from suffice.embed.training.wordpiece import train_tokenizer
print(sorted(train_tokenizer({TEXTS!r}, 80, 16).get_vocab().items()))
"""


def test_texts_come_back_in_lower_case_with_start_and_end():
    tokenizer = train_tokenizer(TEXTS, 200, 16)
    ids = tokenizer(TEXTS[0])["input_ids"]
    assert tokenizer.convert_ids_to_tokens([ids[0], ids[-1]]) == ["[CLS]", "[SEP]"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == TEXTS[0].lower()


def test_the_special_tokens_come_first_and_inner_characters_are_no_special_tokens():
    tokenizer = train_tokenizer(TEXTS, 80, 16)
    assert tokenizer.convert_ids_to_tokens(range(N_SPECIAL)) == list(SPECIAL_TOKENS.values())
    assert len(tokenizer) <= 80
    assert "##a" in tokenizer.get_vocab()
    assert tokenizer.tokenize("##a") == ["[UNK]", "[UNK]", "a"]  # the mark itself is not in the texts


def test_every_process_makes_the_same_vocabulary():
    runs = [
        subprocess.run([sys.executable, "-c", PRINT_VOCABULARY], capture_output=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert b"[MASK]" in runs[0].stdout


def test_the_alphabet_is_sorted_and_tells_inner_characters_from_first_ones():
    assert alphabet_of(["ba", "Ca bad"], blank_tokenizer({})) == (["a", "b", "c", "d"], ["a", "d"])


def test_a_vocabulary_without_room_for_the_characters_is_refused():
    with pytest.raises(ModelError, match="vocab_size = 20 is smaller than"):
        train_tokenizer(TEXTS, 20, 16)
