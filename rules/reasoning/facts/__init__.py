"""The facts that rules read: one class a kind of fact, and how each is derived from a patient's timeline."""
