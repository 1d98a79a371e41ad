"""Free ports differ from each other, last where they are free, and give way where they are not."""

import socket

from rayfill.cluster.services.free_ports import free_ports


def test_free_ports_differ_and_last() -> None:
    names = [f"p{i}" for i in range(50)]
    ports = free_ports(names, {})
    assert len(set(ports.values())) == 50
    assert free_ports(names, ports) == ports


def test_a_taken_port_is_replaced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert free_ports(["a"], {"a": taken})["a"] != taken
