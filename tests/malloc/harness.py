# SPDX-License-Identifier: MIT
"""Runs programs with the library preloaded, and reports what is not as wanted.

A test calls run(), then check() on what it returned; its last line is
finish().  Environment variables of the library are set by the test only.
"""

import os
import subprocess
import sys

LIBRARY = os.environ.pop("STALLOC_LIB", "")
BUILD = os.environ.get("abs_top_builddir", "")
TARGET = os.path.join(BUILD, "tests/malloc/target")
VARIANTS = ("local", "mutex", "single")

if not os.path.exists(LIBRARY):
    sys.exit(f"STALLOC_LIB={LIBRARY}: no such library")
for name in [n for n in os.environ if n.startswith("STALLOC_")]:
    del os.environ[name]

failures = 0


def run(*command, preload=True, timeout=120, **options):
    """Runs a command, by default the target with those arguments.

    Options in capitals are environment variables, others are subprocess.run()'s.
    Returns its CompletedProcess, with text.
    """
    env = dict(os.environ)
    if preload:
        env["LD_PRELOAD"] = LIBRARY
    for name in [n for n in options if n.isupper()]:
        env[name] = options.pop(name)
    options.setdefault("stderr", subprocess.PIPE)
    if not command or not os.path.isabs(command[0]):
        command = (TARGET,) + command
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True,
                          errors="replace", timeout=timeout, check=False,
                          **options)


def check(name, condition, *details):
    """Reports one check; details are shown when it fails."""
    global failures
    print("ok" if condition else "FAILED", name, flush=True)
    if not condition:
        failures += 1
        for detail in details:
            if isinstance(detail, subprocess.CompletedProcess):
                detail = (f"exit status {detail.returncode}\n"
                          f"stdout: {detail.stdout[:2000]}\n"
                          f"stderr: {(detail.stderr or '')[:2000]}")
            print(f"  {detail}", flush=True)


def finish():
    sys.exit(1 if failures else 0)
