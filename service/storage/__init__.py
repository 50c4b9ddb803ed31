"""What the service remembers: evaluations, cards, feedback, snoozes, tokens seen; one port, SQL behind it."""
