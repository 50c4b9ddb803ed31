"""What blocks or delays zoledronate and denosumab, and what must be measured before a parenteral bone drug."""
