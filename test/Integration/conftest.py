# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every test in this folder needs the built tools; CONVOY_BIN says where they are (default: build/bin)."""

import pytest
import support


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


def pytest_report_header():
    return f"convoy: {support.CONVOY}" + ("" if support.CONVOY.exists() else " (not built)")


def pytest_collectstart(collector):
    if isinstance(collector, pytest.Module):
        support.seed_random_data(collector.name)


@pytest.fixture(autouse=True)
def random_data(request):
    support.seed_random_data(request.node.name)


@pytest.fixture(scope="session", autouse=True)
def built():
    if not support.CONVOY.exists():
        pytest.fail(f"{support.CONVOY} is not there: build first, or set CONVOY_BIN", pytrace=False)
