#!/bin/sh
# SPDX-License-Identifier: MIT
# redis-server under redis-benchmark: strings, lists, hashes, sets, scripts,
# large values, expiry, a background save by fork, a restart from the file.
# The server is /usr/bin/redis-check-rdb by another name, so that no service
# needs to be installed.  Compared: the data, by DEBUG DIGEST.
#
# packages: redis-tools
# commands: redis-check-rdb redis-benchmark redis-cli
# active: redis-server redis-benchmark redis-cli
# threads: many
# limit: 90

set -eu
: "${PORT:=36379}"
ln -s "$(command -v redis-check-rdb)" redis-server
cli() { redis-cli -p "$PORT" "$@"; }
start() {
    ./redis-server --port "$PORT" --bind 127.0.0.1 --dir . --save '' \
        --io-threads 2 --lazyfree-lazy-user-del yes --loglevel warning \
        --enable-debug-command yes --maxmemory 512mb >>server.log 2>&1 &
    for _ in $(seq 100); do
        [ "$(cli ping 2>&1)" != PONG ] || return 0
        sleep 0.05
    done
    echo 'the server does not answer'
    exit 1
}

start
redis-benchmark -p "$PORT" -q -n 20000 -c 20 -r 5000 -P 8 \
    -t set,get,incr,lpush,rpop,sadd,hset,zadd,mset | tr '\r' '\n' |
    sed -n 's/^\([^ :]*[^:]*\): [0-9.]* requests per second.*/\1/p'
cli flushall
redis-benchmark -p "$PORT" -q -n 500 -c 8 -d 4000 -t lrange_100 >log
cli flushall async
cli eval 'local x = 1
    for i = 1, 60000 do
        x = x * 16807 % 2147483647
        local value = string.rep("v", x % 90)
        redis.call("hset", "h" .. x % 300, "f" .. x % 977, value)
        redis.call("zadd", "z" .. x % 100, x, i)
        redis.call("append", "s" .. x % 2000, x)
        if i % 3 == 0 then redis.call("del", "s" .. x % 1999) end
    end
    return redis.call("dbsize")' 0
cli setrange big 50000000 end
cli getrange big 49999998 -1 | tr '\0' .
cli debug digest
cli bgsave
while [ "$(cli info persistence | tr -d '\r' |
    sed -n 's/^rdb_bgsave_in_progress://p')" != 0 ]; do sleep 0.05; done
cli info persistence | tr -d '\r' | grep rdb_last_bgsave_status
cli memory malloc-stats >log
cli memory purge
cli shutdown save || true
wait
start
cli debug digest
cli unlink big
cli flushall
cli dbsize
cli shutdown nosave || true
wait
./redis-server --version >log
