"""Names in running text."""

from markupsafe import Markup, escape


def keep_names(text: str) -> Markup:
    """Escaped text whose lines break inside a hyphenated word, such as a model's name, only if they must."""
    words = [
        Markup('<span class="word">{}</span>').format(word) if "-" in word else escape(word)
        for word in text.split(" ")
    ]
    return Markup(" ").join(words)
