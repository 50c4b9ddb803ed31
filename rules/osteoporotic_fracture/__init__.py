"""The contrast arm: ordinary osteoporotic vertebral fractures."""
