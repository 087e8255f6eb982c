"""Takes a password out of the process list. Runs before the options are parsed; knows of no other option.

An argument list can be read by every user of the machine and cannot be changed in place without tricks. So the program
replaces itself: same process, same arguments, but the password arrives by a pipe that --password-file names.
"""

import os
import sys
from collections.abc import Sequence

OPTION = "--password"


def split_password(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without --password and its value, and the value (the last one; None if there is none).

    A --password without a value stays where it is, for the parser to complain.
    """
    kept: list[str] = []
    password = None
    rest = iter(arguments)
    for argument in rest:
        if argument == OPTION:
            value = next(rest, None)
            if value is None:
                kept.append(argument)
            else:
                password = value
        elif argument.startswith(f"{OPTION}="):
            password = argument.partition("=")[2]
        else:
            kept.append(argument)
    return kept, password


def hide_password() -> None:
    """Start this program again, in the same process, if its arguments hold a password; else do nothing.

    An argument list with --password-file as well is left to the parser, which refuses it.
    """
    arguments, password = split_password(sys.orig_argv)
    if password is None or any(argument.startswith("--password-file") for argument in arguments):
        return
    reading_end, writing_end = os.pipe()
    os.write(writing_end, os.fsencode(f"{password}\n"))
    os.close(writing_end)
    os.set_inheritable(reading_end, True)
    os.execv(sys.executable, [*arguments, "--password-file", f"/dev/fd/{reading_end}"])
