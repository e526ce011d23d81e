#!/usr/bin/env bash
# PostgreSQL with one role and one database, `jointrange`. The first start makes up a password and leaves it in
# /secret/password, a volume that only the service mounts besides.
#
#   database serve | ready | make [DATA SECRET]
#
# The cluster is made beside its place and renamed when it is whole: a first start that was killed begins anew.
set -euo pipefail
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
data=${2:-/data}
secret=${3:-/secret}
cluster=$data/cluster
if [ -s "$data/PG_VERSION" ]; then
    cluster=$data # made before there was a folder for it
fi

make() {
    local new=$data/cluster.new
    if [ -d "$cluster" ]; then
        if [ -s "$cluster/PG_VERSION" ]; then
            return
        fi
        echo "database: $cluster holds no cluster" >&2
        exit 3
    fi
    rm -rf "$new" "$secret/password"
    head -c 32 /dev/urandom | base64 -w 0 | tr '+/' '-_' >"$secret/password"
    chmod 0444 "$secret/password"
    "$bin/initdb" -D "$new" -U jointrange --pwfile="$secret/password" --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    echo "host all all all scram-sha-256" >>"$new/pg_hba.conf"
    "$bin/postgres" --single -D "$new" postgres <<<'CREATE DATABASE jointrange OWNER jointrange' >/dev/null
    sync -f "$secret/password" "$new/pg_hba.conf"
    mv -T "$new" "$cluster"
}

case ${1:-serve} in
ready)
    exec "$bin/pg_isready" -q -h /tmp -U jointrange -d jointrange
    ;;
make)
    make
    ;;
serve)
    make
    exec "$bin/postgres" -D "$cluster" -c listen_addresses='*' -c unix_socket_directories=/tmp
    ;;
*)
    echo "database: $1 is none of serve, ready, make" >&2
    exit 4
    ;;
esac
