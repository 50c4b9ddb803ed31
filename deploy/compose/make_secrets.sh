#!/usr/bin/env bash
# Makes what compose.yaml needs and nobody may know: passwords, the pseudonym key, a certificate for a trial.
# What is there already stays. Put the certificate of your hospital in place of the self-signed one.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets

[ -s database_password ] || openssl rand -hex 24 | tr -d '\n' >database_password
[ -s pseudonym_key ] || openssl rand -hex 32 | tr -d '\n' >pseudonym_key
printf 'postgresql+psycopg://reboundwatch:%s@database/reboundwatch' "$(cat database_password)" >database_url
if [ ! -s tls_key ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=localhost \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout tls_key -out tls_certificate 2>/dev/null
fi
# The folder is closed; inside a container another user than yours reads the file itself.
chmod 0444 ./*
echo "deploy/compose/secrets holds: $(ls | tr '\n' ' ')"
