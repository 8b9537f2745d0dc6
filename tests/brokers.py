"""A real MQTT broker for the tests, Debian's Mosquitto, on a port of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from smartcitizen import processes
from tests.live import free_port

# It would become a user of its own, who may not write where we may.
AS_WE_ARE = "user root\n" if os.geteuid() == 0 else ""


def program(name: str) -> str:
    """Where a program of Debian's is; the test is skipped where it is not installed."""
    found = shutil.which(name) or f"/usr/sbin/{name}"
    if not os.access(found, os.X_OK):
        pytest.skip(f"{name} is not installed")
    return found


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, f"{process.args} ended with {process.returncode}"
            time.sleep(0.02)
    raise AssertionError(f"nobody listens on port {port}")


class Mosquitto:
    """A broker that keeps sessions over a restart; like a fresh install, it lets everyone in."""

    def __init__(self, directory: Path, configuration: str = "", port: int | None = None) -> None:
        self.port = port or free_port()
        self.file = directory / "mosquitto.conf"
        self.file.write_text(
            configuration
            or f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {directory}/\nlog_dest none\n{AS_WE_ARE}"
        )
        self.start()

    @property
    def url(self) -> str:
        """As MQTT_URL names it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, again with the sessions it had."""
        self.process = processes.start([program("mosquitto"), "-c", str(self.file)])
        await_port(self.port, self.process)

    def stop(self) -> None:
        """End it; it writes down its sessions."""
        processes.stop(self.process, (signal.SIGTERM, 10))


class Kit:
    """A device on the broker, as the MQTT library of SCK 2.x is: its client id is its token."""

    def __init__(self, port: int, token: str, **credentials: str) -> None:
        self.token = token
        self.refused: int | None = None
        self.got: list[tuple[str, bytes]] = []
        self.client = Client(CallbackAPIVersion.VERSION2, token)
        if credentials:
            self.client.username_pw_set(credentials["username"], credentials.get("password"))
        connected = threading.Event()

        def on_connect(
            client: Client, data: object, flags: object, reason: object, _: object
        ) -> None:
            self.refused = getattr(reason, "value", 0)
            connected.set()

        def on_message(client: Client, data: object, message: MQTTMessage) -> None:
            self.got.append((message.topic, message.payload))

        self.client.on_connect, self.client.on_message = on_connect, on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert connected.wait(30)

    def publish(
        self,
        kind: str,
        payload: bytes | str,
        *,
        qos: int = 1,
        retain: bool = False,
        token: str = "",
    ) -> None:
        """Publish under the device's own topics, until the broker has it."""
        topic = f"device/sck/{token or self.token}/{kind}"
        self.client.publish(topic, payload, qos, retain).wait_for_publish(30)

    def leave(self) -> None:
        """Disconnect; what was published with QoS 0 is sent before."""
        self.client.disconnect()
        self.client.loop_stop()
