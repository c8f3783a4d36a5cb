"""The tokenizer settings in a checkpoint's files, compared with the tokenizer's behaviour and corrected."""

from collections.abc import Mapping, Sequence
from typing import Any

PROBE = "Some Words"
UNLIMITED = 10**6  # larger lengths mean no limit
ENDS = (("add_bos_token", "bos_token", 0), ("add_eos_token", "eos_token", -1))


def keep_promises(tokenizer: Any, config: Mapping[str, Any]) -> list[str]:
    """Make a tokenizer follow its tokenizer_config.json where the library does not.

    Args:
        tokenizer: a tokenizer of transformers; it is changed.
        config: content of tokenizer_config.json.

    Returns:
        Sentences about the changes made, and those that were not possible.
    """
    return [
        *_special_tokens(tokenizer, config),
        *_lower_case(tokenizer, bool(config.get("do_lower_case")), "tokenizer_config.json"),
        *_length_and_side(tokenizer, config),
    ]


def last_tokens(tokenizer: Any, rows: Sequence[Sequence[int]]) -> list[str]:
    """A warning if the pooled token is not the same special token for all items.

    Args:
        tokenizer: a tokenizer of transformers.
        rows: token ids of some items, as passed to the model.
    """
    ends = {row[-1] for row in rows if len(row)}
    if len(ends) == 1 and ends <= set(tokenizer.all_special_ids):
        return []
    names = ", ".join(repr(token) for token in sorted(tokenizer.convert_ids_to_tokens(sorted(ends))))
    eos = tokenizer.eos_token
    remedy = f"add_eos_token: true in tokenizer_config.json appends {eos}" if eos else "it has no eos token"
    return [
        f"the last token is pooled, but it is not the same special token for all texts ({names}), so the "
        f"vector is the state at a text's last token; if the model was trained with an end token, {remedy}"
    ]


def _special_tokens(tokenizer: Any, config: Mapping[str, Any]) -> list[str]:
    said = []
    for key, name, place in ENDS:
        token, token_id = getattr(tokenizer, name, None), getattr(tokenizer, f"{name}_id", None)
        if key not in config or not isinstance(token_id, int):
            continue
        wanted, present = bool(config[key]), _ids(tokenizer)[place : place + 1 or None] == [token_id]
        if wanted and not present:
            added = _add_token(tokenizer, str(token), token_id, first=place == 0)
            what = f"{token} was added" if added else f"{token} is missing and could not be added"
            said.append(f"{what}: tokenizer_config.json sets {key}: true, but the library leaves it out")
        if present and not wanted:
            said.append(f"the tokenizer adds {token}, although tokenizer_config.json says {key}: false")
    return said


def _ids(tokenizer: Any, text: str = PROBE, *, special: bool = True) -> list[int]:
    return list(tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])


def _add_token(tokenizer: Any, token: str, token_id: int, *, first: bool) -> bool:
    """Make the tokenizer put a token before or after each text; returns whether it worked."""
    from tokenizers.processors import TemplateProcessing

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return False
    before, after = _around(tokenizer)
    before, after = ([token_id, *before], after) if first else (before, [*after, token_id])
    texts = {each: tokenizer.convert_ids_to_tokens(each) for each in (*before, *after)}
    old = backend.post_processor
    try:
        opening, closing = [texts[each] for each in before], [texts[each] for each in after]
        backend.post_processor = TemplateProcessing(
            single=[*opening, "$A", *closing],
            pair=[*opening, "$A", *closing, "$B", *closing],
            special_tokens=[(text, each) for each, text in texts.items()],
        )
    except ValueError:  # a token that a template cannot name
        return False
    if _ids(tokenizer)[0 if first else -1] != token_id:
        backend.post_processor = old
        return False
    return True


def _around(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The tokens that are now put before and after a text."""
    inner, whole = _ids(tokenizer, special=False), _ids(tokenizer)
    n_around = len(whole) - len(inner)
    start = next((at for at in range(n_around + 1) if whole[at : at + len(inner)] == inner), 0)
    return whole[:start], whole[start + len(inner) :]


def _lower_case(tokenizer: Any, wanted: bool, file: str) -> list[str]:
    """Make the tokenizer convert text to lower case, if a file asks for it and it does not."""
    from tokenizers import normalizers

    if not wanted or _ids(tokenizer) == _ids(tokenizer, PROBE.lower()):
        return []
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return [f"capitals are kept, although {file} asks for lower case (do_lower_case: true)"]
    old = backend.normalizer
    lower = normalizers.Lowercase()
    backend.normalizer = lower if old is None else normalizers.Sequence([lower, old])
    return [
        f"text is converted to lower case: {file} asks for it (do_lower_case: true), but the library does not"
    ]


def _length_and_side(tokenizer: Any, config: Mapping[str, Any]) -> list[str]:
    """Set the tokenizer's longest text and padding side as in the file."""
    said = []
    length, now = config.get("model_max_length"), tokenizer.model_max_length
    if isinstance(length, int) and 0 < length < UNLIMITED and now > length:
        tokenizer.model_max_length = length
        said.append(f"texts are cut at {length} tokens (model_max_length); the library would read {now}")
    side = config.get("padding_side")
    if side in ("left", "right") and side != tokenizer.padding_side:
        said.append(
            f"padding is on the {side}, as tokenizer_config.json says, not on the {tokenizer.padding_side}"
        )
        tokenizer.padding_side = side
    return said
