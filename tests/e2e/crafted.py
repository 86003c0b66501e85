# SPDX-License-Identifier: GPL-2.0-only
"""Encapsulations of one UDP datagram that Linux delivers to a socket like the plain one (TRAPS 1, 2, 5)."""

import frames
from lab import V4, V6

_NOP, _RR = b"\x01", b"\x07\x07\x04" + bytes(4)
_PAD = frames.extension()
_JUNK = frames.extension(b"\x1e\x04\x00\x00\x00\x00")  # an experimental option, "skip if unknown"
_TAG, _STAG = (frames.VLAN, 0), (frames.QINQ, 0)

# name: (family, arguments of udp_frame)
_SHAPES = {
    "v4 plain": (V4, {}),
    "v6 plain": (V6, {}),
    "v4 priority tag": (V4, {"tags": [_TAG]}),
    "v6 priority tag": (V6, {"tags": [_TAG]}),
    "v4 802.1ad tag": (V4, {"tags": [_STAG]}),
    "v6 802.1ad tag": (V6, {"tags": [_STAG]}),
    "v4 two tags": (V4, {"tags": [_STAG, _TAG]}),
    "v4 options NOP": (V4, {"options": _NOP * 4}),
    "v4 options RR": (V4, {"options": _NOP + _RR}),
    "v4 options full": (V4, {"options": _NOP * 40}),
    "v6 hop-by-hop": (V6, {"headers": [(frames.HOP_BY_HOP, _PAD)]}),
    "v6 destination options": (V6, {"headers": [(frames.DEST_OPTS, _PAD)]}),
    "v6 unknown option": (V6, {"headers": [(frames.DEST_OPTS, _JUNK)]}),
    "v6 both": (V6, {"headers": [(frames.HOP_BY_HOP, _PAD), (frames.DEST_OPTS, _PAD)]}),
    "v6 atomic fragment": (V6, {"headers": [(frames.FRAGMENT, b"\0\0" + b"\0\0\0\7")]}),
    "v6 tag and options": (V6, {"tags": [_TAG], "headers": [(frames.DEST_OPTS, _PAD)]}),
    "v4 trailing padding": (V4, {"padding": 24}),
    "v6 trailing padding": (V6, {"padding": 24}),
}
DELIVERED = tuple(_SHAPES)


def deliverable(name):
    """(family, build), where build(port, data) is the frame of that name."""
    family, shape = _SHAPES[name]
    shape = dict(shape)
    padding = shape.pop("padding", 0)

    def build(port, data):
        return frames.udp_frame(family, 40000, port, data, **shape) + b"\xff" * padding

    return family, build
