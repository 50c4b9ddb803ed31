"""What the service remembers: evaluations, cards, feedback, snoozes and the tokens it has seen; one port, SQL behind it."""
