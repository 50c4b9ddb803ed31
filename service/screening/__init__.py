"""A whole population from a FHIR Bulk Data export: laid apart by patient, evaluated, and listed by urgency."""
