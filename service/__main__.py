"""`python -m service` is the command `reboundwatch`."""

from __future__ import annotations

from service.commands import main

if __name__ == "__main__":
    main(prog_name="reboundwatch")
