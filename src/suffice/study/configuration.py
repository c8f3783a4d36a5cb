"""A study's configuration as text: the page shows it, and is written again when it changes."""

import yaml

from suffice.study.model import Study


def configuration_of(study: Study) -> str:
    """The settings with defaults filled in, then the tables as the user wrote them."""
    parts = [yaml.safe_dump(study.settings.model_dump(mode="json"), sort_keys=False)]
    for path in (study.models_file, study.datasets_file, study.tasks_file):
        if path.exists():
            parts.append(f"# {path.name}\n{path.read_text(encoding='utf-8')}")
    return "\n".join(parts)
