#!/bin/sh
# SPDX-License-Identifier: MIT
# java: the compiler ecj and a program with threads, direct buffers, zip and
# a class loader, under two garbage collectors.  The JVM's own compilers,
# class data and monitors live in malloc.
#
# packages: default-jre-headless ecj
# commands: java ecj
# active: java
# threads: many
# limit: 120

set -eu
cp "${0%/*}/Load.java" .
ecj -proc:none -source 11 -target 11 -d classes Load.java
java -Xmx256m -XX:+UseSerialGC -cp classes Load
java -Xmx256m -XX:+UseG1GC -XX:NativeMemoryTracking=summary -cp classes Load
java -Xmx32m -cp classes Load fill 2>&1 | sed 's/^\tat.*//' | head -n 1
