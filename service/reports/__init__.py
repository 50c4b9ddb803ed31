"""What people and programs are shown of an evaluation outside a hook answer: text, JSON, FHIR, pictures, catalogue."""
