"""`python -m service` is the command `reboundwatch`."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line."""
    # Whoever thinks better of it while the modules are still being loaded is not to see them in a traceback.
    usual = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from service.commands import main as commands

    signal.signal(signal.SIGINT, usual)
    commands(prog_name="reboundwatch")


if __name__ == "__main__":
    main()
