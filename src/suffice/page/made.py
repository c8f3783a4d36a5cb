"""How a page was made, which it says itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from suffice.page.render import page_environment
from suffice.storage.files import whole_file
from suffice.storage.provenance import git_state, machine, versions


def write_page(
    output: Path, template: str, seed: int, configuration: Mapping[str, Any], **content: Any
) -> None:
    """Write the page of a study from its template: its content, and how it was made.

    Args:
        output: the page.
        template: name of the template, such as published/page.html.j2.
        seed: the seed of the study.
        configuration: the settings in use, JSON-compatible.
        **content: everything else that the template names.
    """
    html = (
        page_environment()
        .get_template(template)
        .render(
            provenance=provenance_facts(seed),
            versions=versions(),
            config=yaml.safe_dump(dict(configuration), sort_keys=False),
            **content,
        )
    )
    with whole_file(output) as temporary:
        temporary.write_text(html, encoding="utf-8")


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
