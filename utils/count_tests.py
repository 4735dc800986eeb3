#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up the test results in a folder of JUnit XML files, as GoogleTest, lit and pytest write them.

Prints a line for each suite and last "N passed, N failed". Exit code 1 when a test failed or a suite ran none."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SUITES = ("unit", "sanitized", "lit", "integration")


def count(path):
    """The numbers of passed, failed and skipped tests in one file."""
    passed = failed = skipped = 0
    for test in ElementTree.parse(path).iter("testcase"):
        if test.find("failure") is not None or test.find("error") is not None:
            failed += 1
        elif test.find("skipped") is not None or test.get("status") == "notrun" or test.get("result") == "suppressed":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    folder = Path(sys.argv[1])
    all_passed = all_failed = 0
    complete = True
    for suite in SUITES:
        try:
            passed, failed, skipped = count(folder / f"{suite}.xml")
        except FileNotFoundError:
            print(f"{suite}: not run")
            complete = False
            continue
        except ElementTree.ParseError:  # The suite crashed while it wrote.
            print(f"{suite}: its results are cut off")
            all_failed += 1
            continue
        print(f"{suite}: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
        complete &= passed + failed > 0
        all_passed += passed
        all_failed += failed
    print(f"{all_passed} passed, {all_failed} failed")
    sys.exit(1 if all_failed or not complete else 0)


if __name__ == "__main__":
    main()
