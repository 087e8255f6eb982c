"""The program's entry, as `data-change-simulator` and as `python -m data_change_simulator`."""

from data_change_simulator.cli import main
from data_change_simulator.password_argument import hide_password


def run() -> None:
    """Take a password out of the argument list, then run the command."""
    hide_password()
    main(prog_name="data-change-simulator")


if __name__ == "__main__":
    run()
