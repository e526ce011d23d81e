#!/usr/bin/env bash
# PostgreSQL with one role and one database, `jointrange`. The first start makes up a password and leaves it in
# /secret/password, a volume that only the service mounts besides.
set -euo pipefail
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)

case ${1:-serve} in
ready)
    exec "$bin/pg_isready" -q -h /tmp -U jointrange -d jointrange
    ;;
serve)
    if [ ! -s /data/PG_VERSION ]; then
        rm -f /secret/password
        head -c 32 /dev/urandom | base64 -w 0 | tr '+/' '-_' >/secret/password
        chmod 0444 /secret/password
        "$bin/initdb" -D /data -U jointrange --pwfile=/secret/password --auth-local=trust --auth-host=scram-sha-256 \
            --encoding=UTF8 --locale=C.UTF-8 >/dev/null
        echo "host all all all scram-sha-256" >>/data/pg_hba.conf
        "$bin/postgres" --single -D /data postgres <<<'CREATE DATABASE jointrange OWNER jointrange' >/dev/null
    fi
    exec "$bin/postgres" -D /data -c listen_addresses='*' -c unix_socket_directories=/tmp
    ;;
*)
    echo "database: $1 is neither serve nor ready" >&2
    exit 4
    ;;
esac
