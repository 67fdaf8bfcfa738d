#!/bin/sh
# SPDX-License-Identifier: MIT
# PostgreSQL as an unprivileged user on a socket of its own: initdb, pgbench
# with four clients, sorts and hashes that spill, parallel workers, JSON,
# PL/pgSQL, an index build, a crash of a backend with recovery, dump.
#
# packages: postgresql util-linux
# commands: psql pgbench runuser
# active: postgres initdb pgbench psql
# threads: one
# limit: 120

set -eu
if [ "$(id -u)" = 0 ]; then
    exec runuser -u nobody -- sh "$0"
fi
for bin in /usr/lib/postgresql/*/bin; do :; done
export PATH="$bin:$PATH" PGHOST="$PWD" PGDATABASE=postgres PGTZ=UTC
export PGUSER=someone PGDATA="$PWD/data"

initdb -U "$PGUSER" -A trust --no-locale -E UTF8 -N >log || { cat log; exit 1; }
cat >>data/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '$PWD'
fsync = off
work_mem = 1MB
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
END
pg_ctl -w -l server.log start >log || { cat log server.log; exit 1; }
trap 'pg_ctl -m immediate stop >log 2>&1' EXIT
pgbench -i -q -s 2 2>/dev/null
pgbench -n -c 4 -t 250 2>&1 | grep -E 'processed|failed'
pgbench -n -S -M prepared -c 4 -t 500 2>&1 | grep -E 'processed|failed'
psql -X -q -A -t -v ON_ERROR_STOP=1 <<'SQL'
SELECT sum(abalance) = (SELECT sum(delta) FROM pgbench_history)
    FROM pgbench_accounts;
CREATE TABLE t AS SELECT i, md5(i::text) AS h, i % 101 AS k
    FROM generate_series(1, 60000) AS i;
CREATE INDEX ON t (h);
CREATE INDEX ON t USING gin (to_tsvector('simple', h));
ANALYZE t;
SELECT k, count(*), min(h), sum(i) FROM t GROUP BY k ORDER BY k LIMIT 3;
SELECT count(*), sum(a.i) FROM t a JOIN t b USING (h) WHERE a.k < 50;
SELECT md5(string_agg(h, ',' ORDER BY h DESC)) FROM t;
SELECT jsonb_array_length(jsonb_agg(to_jsonb(t))) FROM t;
SELECT count(*) FROM t WHERE h ~ '^(a|b)[0-9]+c.*(7)\2?';
DO $$ DECLARE s text := ''; BEGIN
    FOR n IN 1..20000 LOOP
        s := s || n; IF n % 7 = 0 THEN BEGIN PERFORM 1 / (n % 7);
        EXCEPTION WHEN division_by_zero THEN s := left(s, 500); END; END IF;
    END LOOP; RAISE NOTICE 'length %', length(s); END $$;
UPDATE t SET h = repeat(h, 40) WHERE k = 5;
DELETE FROM t WHERE k > 60;
VACUUM FULL t;
SELECT count(*), sum(length(h)) FROM t;
SQL
psql -X -q -A -t -c 'SELECT pg_terminate_backend(pg_backend_pid())' 2>&1 |
    head -n 1
pg_dump --no-comments -t t | sed '/^-- Dumped/d; /restrict/d' | sha256sum
pg_ctl -w -m fast stop >log
trap - EXIT
pg_ctl -w -l server.log start >log
psql -X -q -A -t -c 'SELECT count(*) FROM t'
pg_ctl -w -m fast stop >log
grep -c -E 'PANIC|signal|crash' server.log || true
