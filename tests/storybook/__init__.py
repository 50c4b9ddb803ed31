"""Cases in a clinician's words: read from YAML, told as FHIR records, put to every route, and checked."""
