#!/usr/bin/env bash
# Lets a standby in, when the primary is made.
set -euo pipefail
echo 'host replication citybrain samenet scram-sha-256' >> "$PGDATA/pg_hba.conf"
