#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Copies one of the onnx package's light models: light-model.py NAME FILE, with the NAME of light_NAME.onnx."""

import pathlib
import shutil
import sys

import onnx

FOLDER = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
shutil.copy(FOLDER / f"light_{sys.argv[1]}.onnx", sys.argv[2])
