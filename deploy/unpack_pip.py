"""Unpacks the pip of ensurepip: `python3 deploy/unpack_pip.py DIRECTORY`.

With DIRECTORY in PYTHONPATH, an environment that was made without pip can use it. To install pip
there, as venv does, takes three seconds, most of them for the byte code of what is never run.
"""

import ensurepip
import sys
import sysconfig
import zipfile
from pathlib import Path


def main(directory: str) -> None:
    """Unpack it, from one of the two places where ensurepip looks for it."""
    kept = sysconfig.get_config_var("WHEEL_PKG_DIR")
    places = [*([Path(kept)] if kept else []), Path(ensurepip.__file__).parent / "_bundled"]
    wheels = [wheel for place in places for wheel in place.glob("pip-*.whl")]
    if not wheels:
        sys.exit(f"no pip in {' or '.join(map(str, places))}: apt install python3-venv")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(directory)


if __name__ == "__main__":
    main(sys.argv[1])
