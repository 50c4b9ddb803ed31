"""The orders that rules propose, as complete FHIR R4 drafts."""
