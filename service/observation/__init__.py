"""What whoever runs the service sees of it: logs, metrics and traces, none of which holds data of a patient."""
