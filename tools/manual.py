"""Write config/README.md and config/schemas/ from the settings models (`make docs`)."""

import json
from pathlib import Path

from suffice.kinds.manual import manual, schemas

CONFIG = Path(__file__).resolve().parent.parent / "config"

if __name__ == "__main__":
    (CONFIG / "README.md").write_text(manual(), encoding="utf-8")
    (CONFIG / "schemas").mkdir(exist_ok=True)
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        (CONFIG / "schemas" / f"{name}.json").write_text(text, encoding="utf-8")
