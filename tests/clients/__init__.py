"""CDS clients that others wrote call the service as it runs in production (`tools/clients.sh` installs them)."""
