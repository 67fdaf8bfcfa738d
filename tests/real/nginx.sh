#!/bin/sh
# SPDX-License-Identifier: MIT
# nginx on the loopback: two workers serve files, gzip, a proxy to itself
# and rewrites to 10,000 requests of ab, with a reload under load.
#
# packages: nginx apache2-utils curl
# commands: nginx ab curl
# active: nginx ab curl
# threads: one
# quick: yes

set -eu
: "${PORT:=38080}"
mkdir -p root logs
seq 40000 >root/large.txt
echo hello >root/small.txt
[ "$(id -u)" != 0 ] || chmod -R a+rX .
cat >nginx.conf <<END
worker_processes 2;
pid $PWD/nginx.pid;
error_log $PWD/logs/error.log warn;
$([ "$(id -u)" != 0 ] || echo 'user nobody nogroup;')
events { worker_connections 256; }
http {
    access_log $PWD/logs/access.log;
    client_body_temp_path $PWD/body; proxy_temp_path $PWD/proxy;
    fastcgi_temp_path $PWD/fastcgi; uwsgi_temp_path $PWD/uwsgi;
    scgi_temp_path $PWD/scgi;
    gzip on; gzip_min_length 100; gzip_types text/plain;
    types { text/plain txt; }
    server {
        listen 127.0.0.1:$PORT;
        root $PWD/root;
        rewrite ^/old/([a-z]+)\$ /\$1.txt;
        location /back/ { proxy_pass http://127.0.0.1:$PORT/; }
        location /sub { return 200 "\$request_method \$args\n"; }
    }
}
END
nginx -p "$PWD" -e logs/error.log -c nginx.conf -g 'daemon off;' &
url=http://127.0.0.1:$PORT
for _ in $(seq 100); do
    curl -s -o log "$url/small.txt" && break || sleep 0.05
done
load() {
    ab -q "$@" 2>&1 | grep -E '^(Complete|Failed|Non-2xx|Document Length)'
}
load -n 4000 -c 16 "$url/small.txt"
load -n 2000 -c 16 -k "$url/back/old/small"
load -n 1000 -c 8 -k -H 'Accept-Encoding: gzip' "$url/large.txt"
load -n 2000 -c 8 -k "$url/nowhere"
ab -q -n 1000 -c 8 "$url/back/large.txt" >reload 2>&1 &
ab=$!
kill -HUP "$(cat nginx.pid)"
wait $ab
grep -E '^(Complete|Failed|Non-2xx)' reload
curl -s "$url/sub?a=1"
curl -s --compressed "$url/large.txt" | sha256sum
kill -QUIT "$(cat nginx.pid)"
wait
wc -l <logs/access.log
grep -v -E 'nowhere|\[notice\]' logs/error.log || true
