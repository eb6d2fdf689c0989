"""What ``tests.live.forked`` forks from: a process that has read a config once.

The first config that a process reads takes three times as long as the next, since what checks it,
and the public suffixes, are made then.
"""

import time

from resolver.compiler.compilation import compile_file
from tests.live.configs import ROOT

compile_file(ROOT / "config.toml", time.time())
