"""The assessment of every synthetic patient, one file a story: what changes in them is read by people."""
