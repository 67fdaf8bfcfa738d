# SPDX-License-Identifier: MIT
# Driven by bash.sh.

set -eu
sum=0
for ((i = 0; i < 700; i++)); do
    x=$(echo $((i * i)))
    ((sum += x)) || true
done
echo "substitutions $sum"

for ((i = 0; i < 200; i++)); do
    echo "line $i" | while read -r _ n; do echo $((n + 1)); done
done | { n=0; while read -r x; do ((n += x)) || true; done; echo "pipes $n"; }

declare -A table
for ((i = 0; i < 20000; i++)); do
    table[key$((i % 3000))]+="$i,"
done
echo "table ${#table[@]} ${#table[key7]} ${table[key2999]}"
( unset 'table[key7]'; echo "subshell ${#table[@]}" )

for ((i = 0; i < 20; i++)); do
    for ((j = 0; j < 8; j++)); do
        ( list=({1..2000}); echo "${#list[@]}"; exit $((j % 4)) ) >/dev/null &
    done
    wait || true
done
for job in 3 5 7; do (exit $job) & pids[job]=$!; done
for job in 3 5 7; do wait "${pids[job]}" || echo "job $job: $?"; done

read -r a < <(echo from a substitution)
echo "$a"
paste <(seq 5) <(seq 6 10) | tr '\t' ' '
text=$(printf 'abc%.0s' {1..20000})
text=${text//b/-bb-}
echo "text ${#text} ${text:1:12}"
mapfile -t lines < <(seq 50000)
echo "lines ${#lines[@]} ${lines[-1]}"
( kill -TERM $BASHPID ) || echo "killed $?"
trap 'echo bye' EXIT
