"""A directory with eco.py becomes a checked model: its author's code runs apart, what it answers is read as hostile.

`load` is the door. Whether the model is right is for `datasurface.lint` to say; nothing here looks at a database.
"""

from datasurface.loader.commit import Commit
from datasurface.loader.limits import DEFAULT, Limits
from datasurface.loader.loaded_model import LoadedModel, ModelNotLoaded, load
from datasurface.loader.tree import revision_of

__all__ = ["DEFAULT", "Commit", "Limits", "LoadedModel", "ModelNotLoaded", "load", "revision_of"]
