"""Networks that the project's studies of images, speech and texts read out of packages."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

STUDIES = Path(__file__).resolve().parents[2] / "config"


def module_of(study: str, name: str) -> ModuleType:
    """A Python file in the folder of a study."""
    spec = spec_from_file_location(name, STUDIES / study / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


efficientnet = module_of("images", "efficientnet")
encoders = module_of("speech", "encoders")
text_encoders = module_of("text-real", "encoders")
