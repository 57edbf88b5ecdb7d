#!/usr/bin/env python3
"""A judge that never finds anything is worth nothing: these are gaps of Debian's pebble that its own documentation or code admits, and
duties that it fulfils. The run against it must show both.

    gaps.py RUN [words for RUN]      exit code 77: pebble is not installed
"""
import json
import shutil
import subprocess
import sys

GAPS = ["8555-6.2-11", "8555-6.7.1-1", "8555-7.3.5-4", "8555-7.4-2", "8555-7.6-2", "8555-8.2-1"]
FULFILLED = ["8555-6.2-1", "8555-6.2-2", "8555-6.5-4", "8555-7.3.1-1", "8555-7.4.2-1", "8555-8.1-1", "8737-3-2", "8738-6-1"]

if shutil.which("pebble") is None:
    sys.exit(77)
ran = subprocess.run([sys.argv[1], "pebble", *sys.argv[2:], "--output", "json"], stdout=subprocess.PIPE, check=False)
verdicts = {v["id"]: v["verdict"] for v in json.loads(ran.stdout)["verdicts"]}
wrong = [f"{i} is {verdicts[i]}, not fail" for i in GAPS if verdicts[i] != "fail"]
wrong += [f"{i} is {verdicts[i]}, not pass" for i in FULFILLED if verdicts[i] != "pass"]
print("\n".join(wrong) or f"{len(GAPS)} gaps found, {len(FULFILLED)} duties fulfilled")
sys.exit(1 if wrong else 0)
