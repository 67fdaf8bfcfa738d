#!/bin/sh
# SPDX-License-Identifier: MIT
# sqlite3: 60,000 rows with indexes, a full text index, JSON, windows, a
# recursive query, updates under a small cache, vacuum, integrity_check, dump.
#
# packages: sqlite3
# commands: sqlite3
# active: sqlite3
# threads: one
# quick: yes

set -eu
sqlite3 -batch a.db >out <<'END'
.bail on
PRAGMA cache_size = 200;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, kind INT, data BLOB);
CREATE INDEX by_name ON item (name);
CREATE INDEX by_kind ON item (kind, length(data));
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 60000)
INSERT INTO item SELECT i, 'name ' || (i * 7919 % 100003), i % 17,
    zeroblob(i % 100) FROM n;
BEGIN;
UPDATE item SET name = upper(name), data = zeroblob(900) WHERE kind = 3;
DELETE FROM item WHERE kind IN (5, 6) AND id % 2;
COMMIT;
BEGIN; DELETE FROM item; ROLLBACK;
SELECT kind, count(*), sum(length(data)), min(name) FROM item GROUP BY kind;
SELECT id, rank() OVER (PARTITION BY kind ORDER BY name) AS r FROM item
    ORDER BY r DESC, id LIMIT 5;
SELECT group_concat(name, '|') FROM (SELECT name FROM item ORDER BY name
    LIMIT 2000);
CREATE VIRTUAL TABLE text USING fts5 (body);
INSERT INTO text SELECT name || ' kind ' || kind FROM item WHERE id % 5 = 0;
SELECT count(*), sum(rowid) FROM text WHERE text MATCH 'kind AND 7';
SELECT json_array_length(json_group_array(json_object('id', id, 'n', name)))
    FROM item;
SELECT count(DISTINCT a.name) FROM item a JOIN item b ON a.id = b.kind * 1000;
VACUUM;
PRAGMA integrity_check;
PRAGMA foreign_key_check;
.print size
PRAGMA page_count;
END
cut -c 1-400 out
sha256sum <out
sqlite3 a.db .dump | sha256sum
sqlite3 b.db '.restore a.db' 'PRAGMA integrity_check' \
    'SELECT count(*) FROM item'
sqlite3 b.db "SELEC 1" 2>&1 || echo "status $?"
