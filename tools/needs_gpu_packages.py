"""Status 0 if the installed torch is a build for GPUs, which needs the packages of requirements-gpu.lock."""

import sys
from importlib.metadata import requires

if __name__ == "__main__":
    sys.exit(not any(each.startswith("nvidia-") for each in requires("torch") or ()))
