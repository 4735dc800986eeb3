#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Says what the hot loop of each kernel in an assembly file does, for lit tests.

    hot_loop.py FILE.s [KERNEL ...] [--all]

A kernel is a function `NAME_entry`; its hot loop is the innermost loop with the most multiply-adds. The program prints
a line for each:

    conv: 28 x 16 lanes, 28 embedded broadcasts, 0 scalar, 0 on stack

The numbers are the vector multiply-adds, how many of them broadcast one element of memory or of a register, the
multiply-adds of single elements, and the instructions that access the stack. With --all there is a line for every
innermost loop that has multiply-adds.
"""

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

LABEL = re.compile(r"^([.\w$]+):")
# Jumps of x86-64 and of AArch64, with the label that they go to.
JUMP = re.compile(r"^(?:j\w+\s+|b(?:\.\w+)?\s+|cbn?z\s+\w+,\s*|tbn?z\s+\w+,\s*#\w+,\s*)(\.L\w+)\b")
FMA = re.compile(r"^(?:vfn?m(?:add|sub)\d+[ps]s|fml[as]|fn?m(?:add|sub))\b")
SCALAR = re.compile(r"^(?:vfn?m(?:add|sub)\d+ss|fn?m(?:add|sub))\b")
LANES = [(re.compile(r"%zmm"), 16), (re.compile(r"%ymm"), 8), (re.compile(r"%xmm|\.4s"), 4), (re.compile(r"\.2s"), 2)]
EMBEDDED = re.compile(r"\{1to\d+\}|\.s\[\d\]")
STACK = re.compile(r"\(%rsp\b|\[sp\b")
# If a function has a frame pointer, accesses through it are accesses of the stack, too.
FRAMES = [
    (re.compile(r"movq\s+%rsp, %rbp"), re.compile(r"\(%rbp\b")),
    (re.compile(r"(?:mov|add)\s+x29, sp"), re.compile(r"\[x29\b")),
]


def functions(lines):
    """Name and instructions of each kernel. The list has the labels, too, with their colons."""
    name, body = None, []
    for line in lines:
        text = re.split(r"\s+(?:#|//)\s|^\s*(?:#|//)", line)[0].strip()
        label = LABEL.match(text)
        if label and not text.startswith("."):
            name, body = label[1], []
        elif text.startswith(".Lfunc_end") and name:
            if name.endswith("_entry"):
                yield name.removesuffix("_entry"), body
            name = None
        elif label or (text and not text.startswith(".")):
            body.append(text)


def innermost_loops(body):
    """The instructions of each loop that has no loop inside. A loop ends with a jump back to its first label."""
    places = {LABEL.match(text)[1]: i for i, text in enumerate(body) if LABEL.match(text)}
    loops = []
    for end, text in enumerate(body):
        jump = JUMP.match(text)
        start = places.get(jump[1]) if jump else None
        if start is not None and start < end and not any(start <= other < end for other, _ in loops):
            loops.append((start, end))
    return [body[start:end] for start, end in loops]


def count_fmas(loop):
    return sum(bool(FMA.match(text)) for text in loop)


def describe(loop, stacks):
    fmas = [text for text in loop if FMA.match(text)]
    scalar = sum(bool(SCALAR.match(text)) for text in fmas)
    widths = Counter()
    for text in fmas:
        if not SCALAR.match(text):
            widths[next(lanes for pattern, lanes in LANES if pattern.search(text))] += 1
    vectors = ", ".join(f"{count} x {lanes} lanes" for lanes, count in sorted(widths.items(), reverse=True))
    embedded = sum(bool(EMBEDDED.search(text)) for text in fmas)
    stack = sum(any(pattern.search(text) for pattern in stacks) for text in loop)
    return f"{vectors or 'no vectors'}, {embedded} embedded broadcasts, {scalar} scalar, {stack} on stack"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("kernels", nargs="*", help="names without _entry; all by default")
    parser.add_argument("--all", action="store_true", help="all innermost loops with multiply-adds")
    arguments = parser.parse_args()
    found = set()
    for name, body in functions(arguments.file.read_text().splitlines()):
        if arguments.kernels and name not in arguments.kernels:
            continue
        stacks = [STACK] + [stack for setup, stack in FRAMES if any(setup.match(text) for text in body)]
        loops = sorted(filter(count_fmas, innermost_loops(body)), key=count_fmas, reverse=True)
        for loop in loops if arguments.all else loops[:1]:
            found.add(name)
            print(f"{name}: {describe(loop, stacks)}")
    missing = [name for name in arguments.kernels if name not in found]
    if missing:
        sys.exit(f"{arguments.file}: no loop with multiply-adds in {', '.join(missing)}")


if __name__ == "__main__":
    main()
