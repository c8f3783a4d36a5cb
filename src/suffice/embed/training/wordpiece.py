"""A WordPiece tokenizer trained on a corpus, with the same result in every run."""

from collections import Counter
from typing import Any

from suffice.errors import ModelError

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
N_SPECIAL = len(SPECIAL_TOKENS)
PAD, START, MASK = 0, 2, 4  # positions in SPECIAL_TOKENS, which come first in the vocabulary
MAX_CHARACTERS = 1000


def train_tokenizer(contents: list[str], vocab_size: int, max_length: int) -> Any:
    """The same as `train_wordpiece`, as a fast transformers tokenizer that adds [CLS] and [SEP]."""
    import tokenizers
    import transformers

    tokenizer = train_wordpiece(contents, vocab_size)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=ends)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=max_length, **SPECIAL_TOKENS
    )


def train_wordpiece(contents: list[str], vocab_size: int) -> Any:
    """A lower-case WordPiece tokenizer trained on some texts.

    The vocabulary is smaller than `vocab_size` if the texts have fewer pieces.

    Raises:
        ModelError: `vocab_size` has no room for the single characters.
    """
    import tokenizers

    blank = blank_tokenizer({})
    starts, inner = alphabet_of(contents, blank)
    # The trainer numbers inner characters in an arbitrary order, and ties between merges follow these
    # numbers. As special tokens they have fixed numbers. The tokenizer created below does not keep this.
    special = [*SPECIAL_TOKENS.values(), *(f"##{character}" for character in inner)]
    if len(special) + len(starts) > vocab_size:
        raise ModelError(
            f"vocab_size = {vocab_size} is smaller than the {len(special) + len(starts)} special tokens and "
            f"characters of the corpus; raise vocab_size"
        )
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=special,
        initial_alphabet=starts,
        limit_alphabet=len(starts),
        show_progress=False,
    )
    blank.train_from_iterator(contents, trainer)
    return blank_tokenizer(blank.get_vocab())


def blank_tokenizer(vocabulary: dict[str, int]) -> Any:
    """A WordPiece tokenizer with the normalisation and word splitting of uncased BERT."""
    import tokenizers

    model = tokenizers.models.WordPiece(vocabulary, unk_token=SPECIAL_TOKENS["unk_token"])
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    return tokenizer


def alphabet_of(contents: list[str], tokenizer: Any) -> tuple[list[str], list[str]]:
    """The 1000 most frequent characters of the words, sorted, and those of them inside words."""
    words: Counter[str] = Counter()
    for content in contents:
        pieces = tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(content))
        words.update(word for word, _ in pieces)
    counts: Counter[str] = Counter()
    for word, count in words.items():
        counts.update({character: count for character in word})
    kept = sorted(counts, key=lambda character: (-counts[character], character))[:MAX_CHARACTERS]
    inner = {character for word in words for character in word[1:]}
    return sorted(kept), sorted(inner.intersection(kept))
