"""FHIR in: records of any shape become patient timelines, and what cannot be read is named."""
