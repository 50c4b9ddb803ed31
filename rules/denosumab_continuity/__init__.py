"""Denosumab on time: due, overdue, lapsed, and a date that nobody knows."""
