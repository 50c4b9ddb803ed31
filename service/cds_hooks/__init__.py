"""CDS Hooks: the services, their messages and their cards."""
