"""A data landscape described in a Python model, and the platform that makes it true.

Only the version lives here: importing the package must stay cheap and free of third-party code, because the model layer
and every `eco.py` import it.
"""


def __getattr__(name: str) -> str:
    """`__version__`, from the installed package's metadata; reading that at every start would take 50 ms."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 - the import is what takes the time

    return version("datasurface")
