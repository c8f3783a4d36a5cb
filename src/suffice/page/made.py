"""How a page was made."""

from datetime import UTC, datetime
from pathlib import Path

from suffice.storage.provenance import git_state, machine


def provenance_facts(seed: int) -> dict[str, str]:
    """The time, seed, machine and code with which a page was written."""
    computer, git = machine(), git_state(Path(__file__).parent)
    facts = {
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seed": str(seed),
        "machine": f"{computer['processor']}, {computer['cores']} cores, {computer['system']}",
        "linear algebra": computer["linear_algebra"],
    }
    if git:
        facts["code"] = git["commit"] + (" with uncommitted changes" if git["modified"] else "")
    return facts
