"""First phase: the state of denosumab and the class of each vertebral fracture."""
