# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Frames JSON messages from stdin, one per line, for the Language Server Protocol."""

import sys

for line in filter(None, map(str.strip, sys.stdin)):
    sys.stdout.write(f"Content-Length: {len(line)}\r\n\r\n{line}")
