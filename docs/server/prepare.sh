#!/usr/bin/env bash
# Make the folder secrets/ for compose.yaml: keys, passwords, and addresses with them. Run once, as root, in the
# checkout, after building the image (docker build -t casework:local .). Never overwrites anything.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" -ne 0 ]; then
    echo "Run this as root: each secret is given to the one user in the containers that may read it." >&2
    exit 1
fi
if [ -e secrets ]; then
    echo "secrets/ is there already and is left alone: without its root key every case would be lost." >&2
    exit 1
fi
read -r -p "Where mail goes out (smtp+tls://user:password@mail.example.org:587): " email_url

# Made beside its place and moved there last: an interrupted run leaves no half of it.
umask 077
work=$(mktemp -d secrets.XXXXXX)
trap 'rm -rf "$work"' EXIT

app=10001 sealer=10002 server=999 # users of the containers, as compose.yaml names them

secret() { # secret NAME USER: the text comes on standard input
    local text
    text=$(cat)
    if [ -z "$text" ]; then
        echo "The secret $1 came out empty: is the image casework:local built?" >&2
        exit 1
    fi
    printf '%s\n' "$text" >"$work/$1"
    chown "$2:$2" "$work/$1"
    chmod 0400 "$work/$1"
}
word() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
in_image() { docker run --rm --network none casework:local python -c "$1"; }

printf '%s' "$email_url" | secret email_url $app
word | secret secret_key $app
word | secret secret_key_sealer $sealer
in_image 'from casework.crypto.keyring import new_root_text; print(new_root_text())' | secret root_key $app
in_image 'from casework.crypto.signing import generate_signing_key_file as make; make("/tmp/k"); print(open("/tmp/k").read())' |
    secret sealer_key $sealer

queue=$(word)
printf 'bind * -::*\nport 6379\nrequirepass %s\nsave ""\nappendonly no\nmaxmemory-policy noeviction\ndir /data\n' "$queue" |
    secret valkey_conf $server
printf 'redis://:%s@valkey:6379/0' "$queue" | secret redis_url $app

word | secret db_super $server
for role in owner web worker sealer backup; do
    password=$(word)
    reader=$app
    [ $role = sealer ] && reader=$sealer
    printf '%s' "$password" | secret db_$role $server
    printf 'postgresql://cw_%s:%s@postgres:5432/casework' $role "$password" | secret database_url_$role $reader
    if [ $role = owner ]; then owner=$password; fi
done
# The owner again, in the database where backups are tried out.
printf 'postgresql://cw_owner:%s@postgres:5432/casework_scratch' "$owner" | secret database_url_scratch $app

# Compose hands each file to its container itself; on the host only root passes through the folder.
chmod 0700 "$work"
mv -T "$work" secrets
trap - EXIT
echo "Made secrets/. Now copy secrets/root_key to a place off this server (docs/running.md, \"The root key\")."
