"""Pages for people, and what every HTTP answer has in common."""
