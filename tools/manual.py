"""Write config/README.md from the settings models (`make docs`)."""

from pathlib import Path

from suffice.kinds.manual import manual

CONFIG = Path(__file__).resolve().parent.parent / "config"

if __name__ == "__main__":
    (CONFIG / "README.md").write_text(manual(), encoding="utf-8")
