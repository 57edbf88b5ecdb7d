#!/usr/bin/env python3
# type_shares.py LINES COMMAND...: the command at a terminal, at which people type the lines of the file LINES, each when
# it is asked for a share. Prints what they see.
import os
import pty
import sys

with open(sys.argv[1]) as file:
    lines = file.read().splitlines()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:  # the other end is closed
        break
    seen += part
    if seen.endswith(b"in one line: ") and lines:
        os.write(terminal, lines.pop(0).encode() + b"\n")
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
