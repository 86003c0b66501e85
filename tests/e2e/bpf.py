# SPDX-License-Identifier: GPL-2.0-only
"""bpf(2) without a library: programs of "someone else", and who is attached where.

Debian 12's bpftool does not know TCX yet.
"""

import ctypes
import errno
import json
import mmap
import os
import platform
import socket
import struct

from lab import IFACE

_NR_BPF = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
_OBJ_GET = 7
_PROG_LOAD, _PROG_GET_FD_BY_ID, _OBJ_GET_INFO_BY_FD, _PROG_QUERY, _LINK_CREATE = 5, 13, 15, 16, 28
_XDP_HAS_FRAGS = 1 << 5  # of the program
_XDP_SKB_MODE = 1 << 1  # of the link: generic XDP
XDP = {"type": 6, "attach": 37, "pass": 2, "flags": _XDP_HAS_FRAGS}
GENERIC_XDP = XDP | {"link": _XDP_SKB_MODE}
TCX_INGRESS = {"type": 3, "attach": 46, "pass": 0}
TCX_EGRESS = {"type": 3, "attach": 47, "pass": 0}

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    memory = ctypes.create_string_buffer(attributes.ljust(144, b"\0"), 144)
    result = _libc.syscall(_NR_BPF, command, memory, 144)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def read_map(path, size):
    """The first `size` bytes of a pinned array that can be mapped."""
    name = ctypes.create_string_buffer(str(path).encode())
    fd = _bpf(_OBJ_GET, struct.pack("<Q", ctypes.addressof(name)))
    try:
        with mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ) as memory:
            return memory[:size]
    finally:
        os.close(fd)


def write_map(path, offset, value):
    """Put bytes into a pinned array that can be mapped."""
    name = ctypes.create_string_buffer(str(path).encode())
    fd = _bpf(_OBJ_GET, struct.pack("<Q", ctypes.addressof(name)))
    try:
        with mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED) as memory:
            memory[offset : offset + len(value)] = value
    finally:
        os.close(fd)


def _prog_info(fd):
    info = ctypes.create_string_buffer(256)
    _bpf(_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", fd, 256, ctypes.addressof(info)))
    return info


def _prog_name(prog_id):
    fd = _bpf(_PROG_GET_FD_BY_ID, struct.pack("<I", prog_id))
    try:
        return _prog_info(fd)[64:80].split(b"\0")[0].decode()
    finally:
        os.close(fd)


def _tcx(index, attach):
    ids = (ctypes.c_uint32 * 64)()
    try:
        memory = struct.pack("<IIIIQI", index, attach, 0, 0, ctypes.addressof(ids), len(ids))
        _bpf(_PROG_QUERY, memory)
    except OSError as error:
        if error.errno == errno.EINVAL:  # no TCX in this kernel
            return []
        raise
    return [prog_id for prog_id in ids if prog_id]


def attached(ns, iface):
    """Everything at the hooks of an interface: "native NAME", "tcx ingress NAME", "clsact egress NAME", in order."""
    found = []
    with ns.entered():
        try:
            index = socket.if_nametoindex(iface)
        except OSError:
            return []
        for kind, name in ((TCX_INGRESS, "ingress"), (TCX_EGRESS, "egress")):
            found += [f"tcx {name} {_prog_name(prog_id)}" for prog_id in _tcx(index, kind["attach"])]
    (link,) = json.loads(ns.run("ip", "-j", "link", "show", "dev", iface).stdout)
    if "xdp" in link:
        mode = {1: "native", 2: "generic", 3: "offload", 4: "several"}[link["xdp"]["mode"]]
        found.append(f"{mode} {_prog_name(link['xdp']['prog']['id'])}")
    if json.loads(ns.run("tc", "-j", "qdisc", "show", "dev", iface, "clsact").stdout or "[]"):
        for name in ("ingress", "egress"):
            filters = json.loads(ns.run("tc", "-j", "filter", "show", "dev", iface, name).stdout or "[]")
            found += [f"clsact {name} {one['options']['bpf_name']}" for one in filters if "options" in one]
    return found


class Program:
    """A program that lets everything pass (TC_ACT_OK, XDP_PASS); gone when closed, unless attached otherwise."""

    def __init__(self, kind, name):
        code = struct.pack("<BBhi", 0xB7, 0, 0, kind["pass"]) + struct.pack("<BBhi", 0x95, 0, 0, 0)
        self._code, self._licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
        self.kind = kind
        self.fd = _bpf(
            _PROG_LOAD,
            struct.pack(
                "<IIQQIIQII16sII",
                kind["type"],
                len(code) // 8,
                ctypes.addressof(self._code),
                ctypes.addressof(self._licence),
                0,
                0,
                0,
                0,
                kind.get("flags", 0),
                name.encode(),
                0,
                kind["attach"],
            ),
        )
        self._link = -1

    @property
    def id(self):
        return struct.unpack_from("<II", _prog_info(self.fd))[1]

    def link(self, ns):
        """Attach to host0 by a link that lives as long as this object."""
        with ns.entered():
            index, flags = socket.if_nametoindex(IFACE), self.kind.get("link", 0)
            self._link = _bpf(_LINK_CREATE, struct.pack("<IIII", self.fd, index, self.kind["attach"], flags))

    def close(self):
        for fd in (self._link, self.fd):
            if fd >= 0:
                os.close(fd)
        self._link = self.fd = -1
