"""Prints one line on the innermost loop with the most fused multiply-adds of each kernel in an assembly file.

    hot-loop.py MODEL.s
    conv_0: 28 zmm, 0 scalar, 0 stack

"zmm" (or ymm, v.4s, ...) counts multiply-adds by the registers that they write; "scalar" those on one element; "stack"
instructions that read or write the stack, which in an innermost loop are spills.
"""

import re
import sys

FUNCTION = re.compile(r"^([A-Za-z_][\w.]*):")
LABEL = re.compile(r"^(\.L\w+):")
JUMP = re.compile(r"^\s+(?:j[a-z]+|b\.\w+|b|cbn?z|tbn?z)\s+(?:.*,\s*)?(\.L\w+)\s*$")
FMA = re.compile(r"^\s+(?:vfn?m(?:add|sub)\w+|fml[as]|fn?m(?:add|sub))\s")
SCALAR = re.compile(r"^\s+(?:vfn?m(?:add|sub)\d+s[sd]|fn?m(?:add|sub))\s")
STACK = re.compile(r"\(%[er]sp|\[(?:sp|x29)\b")
VECTOR = re.compile(r"%([xyz]mm)\d+(?:\s*\{.*\})?\s*$|^\s+fml[as]\s+v\d+(\.\w+)")


def functions(lines):
    name, body = None, []
    for line in lines:
        line = re.sub(r"\s+(#|//|@).*", "", line.rstrip())
        if match := FUNCTION.match(line):
            if name:
                yield name, body
            name, body = match.group(1), []
        elif line:
            body.append(line)
    if name:
        yield name, body


def innermost_loops(body):
    """From a label to a jump back to it, with no other such loop inside."""
    places = {match.group(1): i for i, line in enumerate(body) if (match := LABEL.match(line))}
    loops = [(places[match.group(1)], i) for i, line in enumerate(body)
             if (match := JUMP.match(line)) and places.get(match.group(1), i) < i]
    return [body[a:b] for a, b in loops
            if not any((c, d) != (a, b) and a <= c and d <= b for c, d in loops)]


def describe(loop):
    registers, scalar = {}, 0
    for line in filter(FMA.match, loop):
        if SCALAR.match(line):
            scalar += 1
        elif match := VECTOR.search(line):
            kind = match.group(1) or "v" + match.group(2)
            registers[kind] = registers.get(kind, 0) + 1
    counts = [f"{count} {kind}" for kind, count in sorted(registers.items())]
    return ", ".join(counts + [f"{scalar} scalar", f"{sum(bool(STACK.search(line)) for line in loop)} stack"])


for name, body in functions(open(sys.argv[1], encoding="utf-8")):
    loops = innermost_loops(body)
    busiest = max(loops, key=lambda loop: sum(bool(FMA.match(line)) for line in loop), default=[])
    if any(map(FMA.match, busiest)):
        print(f"{name}: {describe(busiest)}")
