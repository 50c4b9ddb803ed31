"""Rebound-associated vertebral fractures: recognise them and treat them first with a potent antiresorptive."""
