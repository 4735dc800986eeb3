"""Writes lit tests that utils/check-tests must refuse into a folder. Files with such lines would be tests for lit, too."""

import pathlib
import sys

ABSENT = """\
// RUN: opt %s | Check %s
// RUN: opt %s | Check %s --check-prefixes=OTHER
// RUN: opt %s | Check %s --check-prefix=THIRD --implicit-check-not=a
// OTHER-NOT: a

// CHECK-LABEL: @present
// CHECK-NOT:     b
// CHECK-COUNT-2: c
// CHECK-LABEL: @also_present
// CHECK-NEXT:    b
// CHECK-NOT:     c
// CHECK-LABEL: @absent
// CHECK-NOT:     d

// -----
// CHECK{LITERAL}: [[e]]
// CHECK-NOT: f
// CHECK-DAG: f

// -----
// CHECK-NOT-THIS is a comment.

// CHECK-NOT: g
"""

tests = pathlib.Path(sys.argv[1]) / "test"
(tests / "Codegen/CPU").mkdir(parents=True)
(tests / "Codegen/CPU/wide.mlir").write_text("x" * 140 + "\n" + "x" * 141 + "\n")
(tests / "Transforms/Inputs").mkdir(parents=True)
(tests / "Transforms/Inputs/no-test.mlir").write_text("// RUN: " + "sed\n")
(tests / "Transforms/absent.mlir").write_text(ABSENT.replace("Check %s", "FileCheck %s"))
(tests / "Transforms/stream.mlir").write_text("// RUN: " + "sed s/a/b/ %s\n// RUN: parsed\n")
