"""The memory that this process may use, with the limits of containers and queues.

`python -m suffice.memory` prints it in megabytes.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from suffice.errors import SufficeError

CGROUPS, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")  # control groups of version 2 and version 1
MEGABYTE = 1 << 20


def memory_limit(
    environment: Mapping[str, str] = os.environ, groups: Path = CGROUPS, own: Path = OWN_CGROUP
) -> int:
    """The most memory that this process may use, in bytes: the smallest known limit.

    Args:
        environment: environment variables, which include SLURM's within a SLURM job.
        groups: mount point of control groups.
        own: file that names the group of this process.
    """
    return min([_of_machine(), *_of_slurm(environment), *_of_control_groups(groups, own)])


def check_memory(n_bytes: float, what: str, remedy: str) -> None:
    """Raise SufficeError before any time is spent if more memory is needed than is available.

    Args:
        n_bytes: bytes needed.
        what: subject of the message, which needs the memory.
        remedy: remedy for the message.
    """
    limit = memory_limit()
    if n_bytes > limit:
        raise SufficeError(
            f"{what} would need {n_bytes / 1e9:,.1f} GB of memory, and there are {limit / 1e9:,.1f} GB; "
            f"{remedy}"
        )


def _of_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_slurm(environment: Mapping[str, str]) -> Iterator[int]:
    """SLURM gives megabytes per node or per processor; 0 means all memory."""
    per_node, per_cpu = (_number(environment.get(f"SLURM_MEM_PER_{name}", "")) for name in ("NODE", "CPU"))
    if per_node:
        yield per_node * MEGABYTE
    if per_cpu:
        yield per_cpu * MEGABYTE * max(1, _number(environment.get("SLURM_CPUS_ON_NODE", "")))


def _of_control_groups(groups: Path, own: Path) -> Iterator[int]:
    """The limits of the process's groups and of the groups above them."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    for line in ["0::/", *lines]:
        _, controllers, path = line.split(":", 2)
        root = groups / "memory" if "memory" in controllers.split(",") else groups
        inner = Path(path.lstrip("/"))
        for place in (inner, *inner.parents):
            yield from _limits_in(root / place)


def _limits_in(group: Path) -> Iterator[int]:
    for name in LIMIT_FILES:
        try:
            limit = _number((group / name).read_text().strip())
        except OSError:
            continue
        if limit:
            yield limit


def _number(text: str) -> int:
    """A whole number; 0 for anything else, such as `max`."""
    return int(text) if text.isascii() and text.isdigit() else 0


if __name__ == "__main__":
    print(memory_limit() // MEGABYTE)
