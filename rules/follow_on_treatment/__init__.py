"""The way out of denosumab: the exit plan, a planned stop, the infusion that follows and its follow-up."""
