#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up the test results in a folder of JUnit XML files, as GoogleTest, lit and pytest write them.

Prints a line for each suite, a line for each reason for which tests were skipped, and last "N passed, N failed". A test
skipped for a reason that is not in the list counts as failed. Exit code 1 when a test failed or a suite ran none."""

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

SUITES = ("unit", "lit", "integration")


def skip_reason(test):
    """Why a test did not run, or None if it ran."""
    skipped = test.find("skipped")
    if skipped is not None:
        lines = (skipped.get("message") or skipped.text or "").strip().splitlines()
        return lines[-1] if lines else "no reason given"  # GoogleTest's first line is the place in the source.
    if test.get("status") == "notrun" or test.get("result") == "suppressed":
        return "disabled"
    return None


def count(path, allowed):
    """The numbers of passed and failed tests in one file, and how often each reason skipped a test."""
    passed, failed, reasons = 0, 0, Counter()
    for test in ElementTree.parse(path).iter("testcase"):
        reason = skip_reason(test)
        if test.find("failure") is not None or test.find("error") is not None:
            failed += 1
        elif reason is None:
            passed += 1
        else:
            reasons[reason] += 1
            if reason not in allowed:
                failed += 1
    return passed, failed, reasons


def read_reasons(path):
    """The reasons listed in a file, one per line; comments start with #."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return {line for line in lines if line}


def main():
    parser = argparse.ArgumentParser(description="Adds up test results.")
    parser.add_argument("folder", type=Path, help="holds SUITE.xml for each suite")
    parser.add_argument("suites", nargs="*", default=SUITES, help="default: " + ", ".join(SUITES))
    parser.add_argument("--reasons", type=Path, default=Path(__file__).with_name("skip-reasons.txt"),
                        help="the list of reasons for which tests may be skipped")
    arguments = parser.parse_args()
    allowed = read_reasons(arguments.reasons)
    all_passed = all_failed = 0
    complete = True
    for suite in arguments.suites:
        try:
            passed, failed, reasons = count(arguments.folder / f"{suite}.xml", allowed)
        except FileNotFoundError:
            print(f"{suite}: not run")
            complete = False
            continue
        except ElementTree.ParseError:  # The suite crashed while it wrote.
            print(f"{suite}: its results are cut off")
            all_failed += 1
            continue
        skipped = sum(reasons.values())
        print(f"{suite}: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
        for reason, times in sorted(reasons.items()):
            verdict = "" if reason in allowed else f" (not in {arguments.reasons.name}: counted as failed)"
            print(f"  {times} skipped: {reason}{verdict}")
        complete &= passed + failed > 0
        all_passed += passed
        all_failed += failed
    print(f"{all_passed} passed, {all_failed} failed")
    sys.exit(1 if all_failed or not complete else 0)


if __name__ == "__main__":
    main()
