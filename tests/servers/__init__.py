"""The product against real parts that others made: HAPI's FHIR server and HL7's validator (`tools/hapi.sh`)."""
