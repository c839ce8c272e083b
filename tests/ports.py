"""Ports for servers that are started after their port is chosen, or away for a while."""

from __future__ import annotations

import os
import socket
from itertools import count

__all__ = ["free_port"]

_FIRST, _NUMBER = 15_000, 17_000
"""Ports below those that the kernel gives to whoever asks for any: nobody gets one by chance before its server listens."""

_places = count(os.getpid() * 7919)  # so that test processes that run side by side look in different places


def free_port() -> int:
    """A port of this machine at which nobody listens, and which is not given to anybody else."""
    for place in _places:
        port = _FIRST + place % _NUMBER
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError
