"""Denosumab 120 mg of oncology: what its stop means for bone."""
