#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Assembles models in ONNX's text format (https://onnx.ai/onnx/repo-docs/Syntax.html), for lit tests.

    onnx-as.py FILE.onnxtxt -o MODEL.onnx     one model
    onnx-as.py FILE.onnxtxt -o FOLDER         the models between lines `#--- name`, as FOLDER/name.onnx

In the text, `#` starts a comment. Models are not checked, because some tests need wrong models.
"""

import argparse
import re
import sys
from pathlib import Path

import onnx.parser

SEPARATOR = re.compile(r"^#--- *(\S+) *$", re.MULTILINE)


def assemble(text, name):
    try:
        return onnx.parser.parse_model(text)
    except onnx.parser.ParseError as error:
        sys.exit(f"{name}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", dest="out", type=Path, required=True)
    arguments = parser.parse_args()
    text = arguments.file.read_text()
    parts = SEPARATOR.split(text)
    if len(parts) == 1:
        arguments.out.write_bytes(assemble(strip(text), arguments.file).SerializeToString())
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, part in zip(parts[1::2], parts[2::2]):
        model = assemble(strip(part), f"{arguments.file}, {name}")
        (arguments.out / f"{name}.onnx").write_bytes(model.SerializeToString())


def strip(text):
    """The text without comment lines: the parser would interpret quotes and braces in them."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


if __name__ == "__main__":
    main()
