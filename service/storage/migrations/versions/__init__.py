"""One module a step; the number says the order."""
