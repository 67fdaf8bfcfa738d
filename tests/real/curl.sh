#!/bin/sh
# SPDX-License-Identifier: MIT
# curl and a TLS server (openssl s_server) on the loopback: files over HTTPS,
# several at once, a wrong certificate, a refused connection, FILE URLs.
#
# packages: curl openssl
# commands: curl openssl
# active: curl openssl
# threads: any
# quick: yes

set -eu
: "${PORT:=38443}"
mkdir served
for i in 1 2 3 4 5 6; do seq $((i * 20000)) >served/f$i; done
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -keyout key -out certificate \
    -days 30 2>/dev/null
(cd served && exec openssl s_server -quiet -WWW -accept "127.0.0.1:$PORT" \
    -key ../key -cert ../certificate) >log 2>&1 &
server=$!
get() { curl -s --max-time 20 "$@"; }
url=https://127.0.0.1:$PORT
for _ in $(seq 100); do
    get -k -o out "$url/f1" && break || sleep 0.05
done
for i in 1 2 3 4 5 6; do
    get --cacert certificate "$url/f$i" | sha256sum
done
get --cacert certificate --tlsv1.2 --tls-max 1.2 "$url/f6" | sha256sum
# s_server takes one connection after the other
get --cacert certificate -Z --parallel-max "$THREADS" -o 'out#1' \
    "$url/f[1-6]" 2>log
cat out? | sha256sum
get "$url/f1" || echo "status $?"
get --cacert certificate -o out -w '%{http_code} %{size_download}\n' "$url/none"
{ kill $server && wait $server; } 2>log || true
get "$url/f1" || echo "status $?"
get "file://$PWD/served/f3" | sha256sum
for _ in $(seq 20); do get "file://$PWD/served/f1" "file://$PWD/served/f2"; done |
    sha256sum
