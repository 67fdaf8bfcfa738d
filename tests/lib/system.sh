# SPDX-License-Identifier: MIT
#
# What the stages of other systems and compilers share; sourced by tests/long/*.
#
#     . "$abs_top_srcdir/tests/lib/system.sh"
#     system_build NAME CONFIGURE-ARGUMENT...     in the folder NAME
#     system_check NAME MAKE-ARGUMENT...          its tests, counted
#     system_end                                  the last line, and exit

: "${abs_top_srcdir:?is set by scripts/test}"
# Those of this system's own build.
unset CC CXX NM STALLOC_LIB abs_top_builddir
# Long forms and every variant are the check stage's; here a short run of one
# shows what differs.
unset STA_TEST_LONG
STA_TEST_VARIANTS=${STA_TEST_VARIANTS:-local}
STA_TEST_TIMEOUT=${STA_TEST_TIMEOUT:-900}
export STA_TEST_VARIANTS STA_TEST_TIMEOUT
passed=0 failed=0 skipped=0

system_end() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}

system_build() {
    "$abs_top_srcdir/scripts/build" "$@" && return
    echo "FAIL $1: does not build"
    failed=$((failed + 1))
    return 1
}

# result NAME COMMAND...: one test that is a command
system_result() {
    name=$1
    shift
    if "$@" >"$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        echo "FAIL $name"
        failed=$((failed + 1))
    fi
}

system_check() {
    folder=$1
    shift
    rm -f "$folder/test-suite.log"
    make -C "$folder" -k -j "$(nproc)" "$@" >"$folder/check.log" 2>&1 </dev/null
    sed -n -E "s,^(FAIL|ERROR): ,FAIL $folder: ,p" "$folder/check.log" | sort -u
    if [ ! -s "$folder/test-suite.log" ]; then
        echo "FAIL $folder: ran no test; see $PWD/$folder/check.log"
        failed=$((failed + 1))
        return
    fi
    # shellcheck disable=SC2046 # four numbers
    set -- $(sed -n 's/^# \(PASS\|FAIL\|ERROR\|SKIP\): *//p' \
        "$folder/test-suite.log")
    # In Automake's order: PASS, SKIP, FAIL, ERROR.
    passed=$((passed + $1)) skipped=$((skipped + $2))
    failed=$((failed + $3 + $4))
}
