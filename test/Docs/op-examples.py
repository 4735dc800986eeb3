# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the example of each operation in docs/generated/cnn-dialect.md as a function that can be parsed.

Usage: op-examples.py cnn-dialect.md; exit code 1 if an operation has no example.
"""

import re
import sys
from pathlib import Path


def split_types(text):
    """Splits a list of types at the commas that are outside of brackets."""
    types, depth, begin = [], 0, 0
    for i, char in enumerate(text):
        depth += char in "<({"
        depth -= char in ")}" or (char == ">" and text[i - 1] != "-")
        if char == "," and depth == 0:
            types.append(text[begin:i].strip())
            begin = i + 1
    return [*types, text[begin:].strip()] if text.strip() else []


def wrap(number, example):
    """A function with the example as its body. Its arguments are the values that the example reads."""
    if example.startswith("func.func"):
        return example
    defined = re.match(r"\s*%\w+(:\d+)? =", example)
    body = example[defined.end():] if defined else example
    body = re.sub(r"\{\s*\^bb.*\}", "", body, flags=re.S)  # A region reads no value from outside.
    operands = list(dict.fromkeys(re.findall(r"%\w+", body)))
    # The types follow the last colon outside of brackets.
    depth, colon = 0, -1
    for i, char in enumerate(body):
        depth += char in "<({["
        depth -= char in ")}]" or (char == ">" and body[i - 1] != "-")
        if char == ":" and depth == 0:
            colon = i
    types = body[colon + 1:].strip()
    inside = re.match(r"\((.*)\)\s*->", types, re.S)
    types = split_types(inside.group(1) if inside else types.split("->")[0])
    assert len(types) == len(operands), f"{len(operands)} operands and {len(types)} types: {example}"
    arguments = ", ".join(f"{name}: {type}" for name, type in zip(operands, types))
    text = ""
    if kernel := re.search(r"cnn\.launch (@\w+)", body):
        text = f"func.func private {kernel.group(1)}(index, index, {', '.join(types)})\n"
    return text + f"func.func @example_{number}({arguments}) {{\n{example}  return\n}}\n"


def main():
    sections = re.split(r"^### `(cnn\.\w+)`", Path(sys.argv[1]).read_text(), flags=re.M)[1:]
    failed = False
    for number, (name, text) in enumerate(zip(sections[::2], sections[1::2])):
        examples = [block for block in re.findall(r"```mlir\n(.*?)```", text, re.S) if name in block]
        if not examples:
            print(f"{name} has no example", file=sys.stderr)
            failed = True
        for index, example in enumerate(examples):
            print(wrap(f"{number}_{index}", example))
    return failed


if __name__ == "__main__":
    sys.exit(main())
