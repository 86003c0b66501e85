# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures. `loaded` is shared by the tests of one file and mode; `fw` is fresh and not loaded."""

import os
import shutil
import signal
import sys

import pytest

sys.dont_write_bytecode = True

import firewall  # noqa: E402
import lab  # noqa: E402


def pytest_configure():
    """A CI that gives up sends SIGTERM: let fixtures clean up then, as on Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root: makes network namespaces and loads BPF programs"))


@pytest.fixture(scope="session", autouse=True)
def _binary():
    if os.geteuid() == 0:
        lab.sweep()
        firewall.sweep()
    if not firewall.BINARY.exists():
        pytest.exit(f"{firewall.BINARY} is missing: run make", returncode=1)


@pytest.fixture(scope="session")
def tool():
    """tool("strace"): skip, and say so, where a program is not installed."""

    def need(name):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed (scripts/install-deps test)")

    return need


@pytest.fixture(params=lab.FAMILIES, ids=str)
def family(request):
    return request.param


@pytest.fixture(params=firewall.MODES)
def mode(request):
    return request.param


@pytest.fixture
def net():
    """Fresh namespaces."""
    made = lab.Net()
    yield made
    made.delete()


@pytest.fixture
def fw(net, tmp_path):
    """A firewall for fresh namespaces, not loaded."""
    made = firewall.Firewall(net, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module", params=firewall.MODES)
def loaded_in_mode(request, tmp_path_factory):
    """A loaded firewall, shared by a file's tests. See `loaded`."""
    with firewall.on(lab.Net(), tmp_path_factory) as made:
        made.mode = request.param
        made.load(request.param)
        yield made


@pytest.fixture
def loaded(loaded_in_mode):
    """A loaded firewall: tests set the policy they need, and use ports no other test has used."""
    yield loaded_in_mode
    loaded_in_mode.net.close_sockets()
