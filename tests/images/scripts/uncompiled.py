"""Prints every Python file of the environment and of the standard library that has no byte code, though it compiles."""

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

SKIPPED = {"test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo", "__pycache__"}

standard_library = sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix})
site_packages = sysconfig.get_path("purelib")
for top, skipped in (
    (standard_library, SKIPPED | {"site-packages", "dist-packages"}),
    (site_packages, {"__pycache__"}),
):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in skipped]
        for path in (Path(folder) / name for name in files if name.endswith(".py")):
            if not Path(importlib.util.cache_from_source(str(path))).is_file():
                try:
                    compile(path.read_bytes(), str(path), "exec")
                except (SyntaxError, ValueError):
                    continue
                print(path)
