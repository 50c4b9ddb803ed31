"""High calcium after denosumab."""
