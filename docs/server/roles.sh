#!/usr/bin/env bash
# Runs once, inside the postgres container, when the database is new: the roles, then each one's password.
set -euo pipefail

psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file /casework/roles.sql
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file /casework/scratch.sql
for role in owner web worker sealer backup; do
    # psql reads the file itself: a password on a command line could be seen by every process.
    psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\set password \`cat /run/secrets/db_$role\`
ALTER ROLE cw_$role PASSWORD :'password';
SQL
done
