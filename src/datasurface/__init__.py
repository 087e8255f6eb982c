"""A data landscape described in a Python model, and the platform that makes it true.

Only the version lives here: importing the package must stay cheap and free of third-party code,
because the model layer and every `eco.py` import it.
"""

from importlib.metadata import version

__version__ = version("datasurface")
