"""The composed broker and its gate, run with Debian's programs: who is let in, and to what."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from apps.readings import mqtt
from apps.readings.subscriber import Broker
from smartcitizen import processes
from tests.brokers import AS_WE_ARE, Kit, Mosquitto, await_port, program
from tests.live import free_port
from tests.smartcitizen.test_compose import certificate, raw

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PASSWORD = "known-to-the-platform-alone"
NOT_AUTHORIZED = 135


def replaced(text: str, changes: dict[str, str]) -> str:
    """A configuration with other ports and paths and nothing else changed."""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


class Composed(Mosquitto):
    """The broker as docker-compose.yml runs it: `port` is the devices', `inner` the platform's."""

    def __init__(self, directory: Path) -> None:
        self.port, self.inner = free_port(), free_port()
        passwords = directory / "passwords"
        passwords.touch(0o600)
        subprocess.run(
            [program("mosquitto_passwd"), "-b", str(passwords), "platform", PASSWORD], check=True
        )
        for name in ("devices", "platform"):
            copy = directory / f"{name}.acl"
            copy.write_text((DEPLOY / f"mosquitto_{name}.acl").read_text())
            copy.chmod(0o600)
        text = replaced(
            (DEPLOY / "mosquitto.conf").read_text(),
            {
                "listener 1883": f"listener {self.port} 127.0.0.1",
                "listener 1884": f"listener {self.inner} 127.0.0.1",
                "/etc/mosquitto/": f"{directory}/",
                "/var/lib/mosquitto/": f"{directory}/",
                "user mosquitto\n": AS_WE_ARE,
                "log_dest stdout": "log_dest none",
            },
        )
        super().__init__(directory, text, self.port)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Composed]:
    """The composed broker."""
    running = Composed(tmp_path)
    yield running
    running.stop()


@contextmanager
def session(broker: Composed) -> Iterator[Client]:
    """The platform's session, connected and taking nothing by itself; `userdata` is what came."""
    url = f"mqtt://platform:{PASSWORD}@127.0.0.1:{broker.inner}"
    client = Broker.at(url).client("smartcitizen-1")
    client.user_data_set([])
    subscribed: list[object] = []
    client.on_connect = lambda *_: client.subscribe([(t, 1) for t in mqtt.topics("all")])
    client.on_subscribe = lambda *_: subscribed.append(1)
    client.on_message = lambda _, came, message: came.append((message.topic, message.payload))
    client.connect("127.0.0.1", broker.inner)
    client.loop_start()
    until(lambda: subscribed)
    yield client
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def platform(broker: Composed) -> Iterator[Client]:
    """The platform, connected."""
    with session(broker) as client:
        yield client


def until(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_device_publishes_under_its_own_token_alone(broker: Composed, platform: Client) -> None:
    by_client_id = Kit(broker.port, "abc123")
    by_user_name = Kit(broker.port, "any-id", username="def456")
    by_client_id.publish("readings", b"by client id")
    by_user_name.publish("readings/raw", b"by user name", token="def456")
    for kit in (by_client_id, by_user_name):
        kit.publish("readings", b"a stranger's", token="0a1b2c")
    last = Kit(broker.port, "last")
    last.publish("hello", b"the broker has handled what came before")
    came = platform.user_data_get()
    until(lambda: len(came) == 3)
    assert sorted(came) == [
        ("device/sck/abc123/readings", b"by client id"),
        ("device/sck/def456/readings/raw", b"by user name"),
        ("device/sck/last/hello", b"the broker has handled what came before"),
    ]
    for kit in (by_client_id, by_user_name, last):
        kit.leave()


def test_a_device_reads_nothing(broker: Composed, platform: Client) -> None:
    spy = Kit(broker.port, "abc123")
    for topic in ("#", "device/sck/#", "device/sck/abc123/readings", "$SYS/#", "/forward/#"):
        spy.client.subscribe(topic, 1)
    spy.publish("readings", b"1")
    until(platform.user_data_get)
    platform.publish("/forward/token/device/1/readings", b"2", 1).wait_for_publish(5)
    spy.publish("hello", b"the broker has handled what came before")
    assert spy.got == []
    spy.leave()


def test_readings_are_forwarded_to_who_knows_the_token(broker: Composed, platform: Client) -> None:
    reader = Kit(broker.port, "reader", username="secret-token")
    subscribed: list[object] = []
    reader.client.on_subscribe = lambda *_: subscribed.append(1)
    reader.client.subscribe("/forward/secret-token/#", 1)
    until(lambda: subscribed)
    for token in ("other-token", "secret-token"):
        topic = f"/forward/{token}/device/1/readings"
        platform.publish(topic, token.encode(), 1).wait_for_publish(5)
    until(lambda: reader.got)
    assert reader.got == [("/forward/secret-token/device/1/readings", b"secret-token")]
    reader.leave()


def test_what_kits_publish_with_qos_0_waits_for_the_platform(broker: Composed) -> None:
    with session(broker):
        pass
    kit = Kit(broker.port, "abc123")
    for number in range(200):
        kit.publish("readings/raw", str(number), qos=0)
    kit.publish("hello", b"the broker has handled what came before")
    kit.leave()
    broker.stop()
    broker.start()
    with session(broker) as platform:
        came = platform.user_data_get()
        # More than these it is not sent before it acknowledges some.
        until(lambda: len(came) == 100)
        assert [payload for _, payload in came] == [str(number).encode() for number in range(100)]


@pytest.mark.parametrize("username", ["", "platform", "abc123"])
def test_the_platforms_port_is_for_who_knows_the_password(broker: Composed, username: str) -> None:
    stranger = Kit(broker.inner, "abc123", username=username, password="guessed")
    assert stranger.refused == NOT_AUTHORIZED
    stranger.leave()


def test_a_huge_message_ends_the_connection_of_who_sends_it(
    broker: Composed, platform: Client
) -> None:
    kit = Kit(broker.port, "abc123")
    kit.client.publish("device/sck/abc123/readings", b"x" * 1_100_000, 1)
    until(lambda: not kit.client.is_connected() or kit.refused is None)
    kit.leave()
    other = Kit(broker.port, "def456")
    other.publish("readings", b"1")
    until(platform.user_data_get)
    assert platform.user_data_get() == [("device/sck/def456/readings", b"1")]
    other.leave()


@pytest.fixture
def tls() -> int:
    """The port of the gate that speaks TLS."""
    return free_port()


@pytest.fixture
def gate(broker: Composed, tmp_path: Path, tls: int) -> Iterator[int]:
    """The gate before the broker; yields its plain port."""
    port = free_port()
    certificate(tmp_path)
    pair = [(tmp_path / name).read_text() for name in ("fullchain.pem", "privkey.pem")]
    (tmp_path / "mqtt.pem").write_text("".join(pair))
    text = (DEPLOY / "haproxy.cfg").read_text()
    [server] = re.findall(r"    server .*\n", text)
    # A test has no time for the seconds that a new broker is given, and four guesses are enough.
    text = replaced(
        text,
        {
            "bind :8883": f"bind 127.0.0.1:{tls}",
            "/run/haproxy": str(tmp_path),
            "bind :1883": f"bind 127.0.0.1:{port}",
            server: f"    server mosquitto 127.0.0.1:{broker.port}\n",
            "inter 2s rise 4": "inter 300ms rise 10",
            "    user haproxy\n    group haproxy\n": "",
            "ge 60 }": "ge 4 }",
            "log stdout format raw local0 notice": "",
            "    log global\n": "",
        },
    )
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(text)
    process = processes.start([program("haproxy"), "-db", "-f", str(configuration)])
    await_port(port, process)
    yield port
    processes.stop(process, (signal.SIGTERM, 5))


def attempt(port: int, client_id: str, username: str = "", encrypted: bool = False) -> bool:
    """Whether a device of this name is let in."""
    client = Client(CallbackAPIVersion.VERSION2, client_id)
    if encrypted:
        client.tls_set(cert_reqs=ssl.CERT_NONE)
    if username:
        client.username_pw_set(username)
    let_in: list[bool] = []
    client.on_connect = lambda *said: let_in.append(not said[3].is_failure)
    client.connect("127.0.0.1", port)
    try:
        while not let_in and not client.loop(1):
            pass
    finally:
        client.disconnect()
    return let_in == [True]


def test_an_address_may_connect_under_so_many_names_and_no_more(gate: int) -> None:
    assert all(attempt(gate, f"kit-{number}") for number in range(4))
    assert not attempt(gate, "kit-4")
    assert not attempt(gate, "kit-0", username="guess")
    # Those that were known before are not locked out by who guesses beside them.
    assert all(attempt(gate, f"kit-{number}") for number in range(4) for _ in range(3))
    assert not attempt(gate, "kit-5")


def test_a_long_name_does_not_hide_what_comes_after_it(gate: int) -> None:
    long = "x" * 500
    assert all(attempt(gate, long, username=f"guess-{number}") for number in range(4))
    assert not attempt(gate, long, username="guess-4")


def test_readings_come_through_the_gate(gate: int, platform: Client) -> None:
    kit = Kit(gate, "abc123")
    kit.publish("readings", b"x" * 100_000)
    until(platform.user_data_get)
    kit.leave()


def test_devices_that_encrypt_are_let_in_by_the_same_rule(gate: int, tls: int) -> None:
    assert attempt(tls, "kit-0", encrypted=True)
    assert all(attempt(gate, f"kit-{number}") for number in range(4))
    assert not attempt(tls, "kit-4", encrypted=True)


def test_who_speaks_something_else_is_not_let_in(gate: int) -> None:
    assert b"HTTP" not in raw(gate, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_a_broker_that_starts_anew_is_left_to_the_platform_at_first(
    gate: int, broker: Composed
) -> None:
    assert attempt(gate, "kit-0")
    broker.stop()
    assert not attempt(gate, "kit-0")
    broker.start()
    assert not attempt(gate, "kit-0")
    until(lambda: attempt(gate, "kit-0"))
