"""Names in running text."""

from markupsafe import Markup, escape


def keep_names(text: str) -> Markup:
    """Escaped text in which a line ends inside a hyphenated word, such as a model's name, only if it must."""
    words = [
        Markup('<span class="word">{}</span>').format(word) if "-" in word else escape(word)
        for word in text.split(" ")
    ]
    return Markup(" ").join(words)
