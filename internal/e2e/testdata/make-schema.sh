#!/usr/bin/env bash
# Makes the databases of an earlier program for the test that restores and migrates them. Usage, from the root of the
# repository, once for each version that a release may still have in use:
#
#     internal/e2e/testdata/make-schema.sh COMMIT NAME      # e.g. 7a1987d v8
#
# COMMIT's own program makes them: it migrates, creates a project and takes pings over HTTP. Written are
# testdata/schemas/NAME.db.gz (SQLite), NAME.dump (PostgreSQL, when $PGURL names an empty database) and NAME.json with
# what the test needs to know: keys and the ping URL.
set -euo pipefail
commit=$1 name=$2
out=$(cd "$(dirname "$0")" && pwd)/schemas
tmp=$(mktemp -d)
trap 'kill $pid 2>/dev/null || true; rm -rf "$tmp"' EXIT
pid=
mkdir -p "$out" "$tmp/source"
git archive "$commit" | tar -x -C "$tmp/source"
(cd "$tmp/source" && CGO_ENABLED=0 go build -o "$tmp/punctual" ./cmd/punctual)

export PUNCTUAL_SECRET_KEY="the secret key of all fixtures, 0123456789"
export PUNCTUAL_LISTEN=127.0.0.1:18765 PUNCTUAL_SITE_ROOT=http://127.0.0.1:18765 PUNCTUAL_LOG_FORMAT=json

insert_account() {
    local user=00000000-0000-4000-8000-00000000000a project=00000000-0000-4000-8000-00000000000b check=00000000-0000-4000-8000-00000000000c
    local now="now()" sql="psql -q -v ON_ERROR_STOP=1 $PUNCTUAL_DATABASE_URL"
    case $PUNCTUAL_DATABASE_URL in sqlite:*) now=$(date +%s)000000 sql="sqlite3 ${PUNCTUAL_DATABASE_URL#sqlite:}" ;; esac
    $sql <<SQL
INSERT INTO users (id, email, created_at) VALUES ('$user', 'owner@example.org', $now);
INSERT INTO projects (id, owner_id, name, ping_key, badge_key, created_at) VALUES ('$project', '$user', 'Fixture', 'fixturefixturefixture1', 'fixture', $now);
INSERT INTO checks (code, project_id, name, timeout_seconds, badge_key, created_at) VALUES ('$check', '$project', 'Nightly', 3600, '$check', $now);
SQL
    echo '{"project":"'$project'","api_key":null,"ping_key":"fixturefixturefixture1"}' >"$tmp/keys.json"
    ping=$PUNCTUAL_SITE_ROOT/ping/$check
}

fill() { # with PUNCTUAL_DATABASE_URL set
    "$tmp/punctual" up 2>"$tmp/log" &
    pid=$!
    until curl -sS -o /dev/null "$PUNCTUAL_SITE_ROOT/api/v3/" 2>/dev/null; do
        kill -0 $pid || { cat "$tmp/log"; exit 1; }
        sleep 0.2
    done
    if "$tmp/punctual" help project >/dev/null 2>&1; then
        "$tmp/punctual" project create --owner owner@example.org --name Fixture --json >"$tmp/keys.json"
        key=$(sed -E 's/.*"api_key":"([^"]*)".*/\1/' "$tmp/keys.json")
        ping=$(curl -fsS -H "X-Api-Key: $key" -d '{"name": "Nightly", "timeout": 3600, "grace": 3600, "channels": ""}' "$PUNCTUAL_SITE_ROOT/api/v3/checks/" |
            sed -E 's/.*"ping_url": ?"([^"]*)".*/\1/')
    else # the first ones had no command for it
        insert_account
    fi
    curl -fsS -o /dev/null "$ping/start"
    curl -fsS -o /dev/null --data-binary "kept" "$ping"
    curl -fsS -o /dev/null "$ping/fail"
    curl -fsS -o /dev/null "$ping"
    kill $pid
    wait $pid || true
    pid=
    sed -E "s|\}\s*$|,\"check\":\"${ping##*/}\"}|" "$tmp/keys.json"
}

PUNCTUAL_DATABASE_URL="sqlite:$tmp/data/punctual.db" fill >"$out/$name.sqlite.json"
sqlite3 "$tmp/data/punctual.db" 'PRAGMA wal_checkpoint(TRUNCATE); VACUUM;'
gzip -9 -n -c "$tmp/data/punctual.db" >"$out/$name.db.gz"
if [ -n "${PGURL:-}" ]; then
    PUNCTUAL_DATABASE_URL="$PGURL" fill >"$out/$name.postgres.json"
    pg_dump --format=custom --no-owner --dbname="$PGURL" >"$out/$name.dump"
fi
