"""Seeds derived from the base seed and from names, such as those of a model or task.

No seed depends on an order or a count, so adding a model or a task changes no other number.
"""

import hashlib


def derive_seed(base_seed: int, *names: str) -> int:
    """A seed in [0, 2**31) that depends on `base_seed` and on each of `names`, and on nothing else."""
    text = "\x1f".join([str(base_seed), *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
