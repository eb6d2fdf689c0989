"""Unpacks the pip of ensurepip: `python3 deploy/unpack_pip.py DIRECTORY`.

With DIRECTORY in PYTHONPATH, an environment that was made without pip can use it. To install pip
there, as venv does, takes three seconds, most of them for the byte code of what is never run.
"""

import sys
import sysconfig
import zipfile
from importlib.util import find_spec
from pathlib import Path


def main(directory: str) -> None:
    """Unpack it, from one of the two places where ensurepip looks for it.

    Debian has the first in a package of its own (python3-pip-whl), which needs no ensurepip.
    """
    kept, ensurepip = sysconfig.get_config_var("WHEEL_PKG_DIR"), find_spec("ensurepip")
    places = [Path(kept)] if kept else []
    if ensurepip is not None and ensurepip.origin:
        places.append(Path(ensurepip.origin).parent / "_bundled")
    wheels = [wheel for place in places for wheel in place.glob("pip-*.whl")]
    if not wheels:
        sys.exit(f"no pip in {' or '.join(map(str, places))}: apt install python3-venv")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(directory)


if __name__ == "__main__":
    main(sys.argv[1])
