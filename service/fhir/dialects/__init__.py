"""What differs between FHIR versions: one module a version turns its resources into events of the timeline."""
