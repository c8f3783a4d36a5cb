"""Pages of the site that are made from other files: manual, glossary and tutorial (`make docs`)."""

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = re.compile(r"\[([^\]]*)\]\(\s*((?:\.\./)+[^)]*)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the manual, the glossary and the tutorial."""
    notebook = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))
    pages = {
        "manual.md": (ROOT / "config" / "README.md").read_text(encoding="utf-8"),
        "glossary.md": (ROOT / "src" / "suffice" / "page" / "glossary.md").read_text(encoding="utf-8"),
        "tutorial.md": page_of_notebook(notebook),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **others: Any) -> str:
    """Write links that leave the site as paths of the repository."""
    if page.file.src_uri.startswith("how-to/"):
        return markdown
    return OUTSIDE.sub(lambda found: f"{found[1]} (`{found[2].lstrip('./')}`)", markdown)


def page_of_notebook(notebook: dict[str, Any]) -> str:
    """A notebook as Markdown: its texts, its code and the output of the code."""
    return "\n\n".join(part for cell in notebook["cells"] for part in _parts_of_cell(cell))


def _parts_of_cell(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [source]
    return [f"```python\n{source}\n```", *(_shown(output) for output in cell["outputs"])]


def _shown(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text'])}\n```"
    data = {kind: "".join(content) for kind, content in output["data"].items()}
    if "image/png" in data:
        return f"![figure](data:image/png;base64,{data['image/png'].strip()})"
    if "text/html" in data:
        return data["text/html"]
    return f"```text\n{data['text/plain']}\n```"
