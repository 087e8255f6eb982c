"""Imports every module of the named packages, but for those below the names after "without"; prints how many."""

import importlib
import pkgutil
import sys

wanted, _, left_out = " ".join(sys.argv[1:]).partition("without")
modules = 0
for name in wanted.split():
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=None):
        if not module.name.endswith("__main__") and not module.name.startswith(tuple(left_out.split()) or "-"):
            importlib.import_module(module.name)
            modules += 1
print(modules)
