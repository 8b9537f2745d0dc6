"""The composed platform: its versions are the tested ones, its proxy is tried with nginx."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.readings.distribution import OLDEST_CITUS
from smartcitizen.embedded_postgres_server import Postgres
from smartcitizen.embedded_redis_server import Redis
from smartcitizen.server_account import Account
from tests.live import free_port

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NGINX = shutil.which("nginx") or (
    "/usr/sbin/nginx" if os.access("/usr/sbin/nginx", os.X_OK) else None
)


def version(kind: type[Postgres | Redis], tmp_path: Path) -> str:
    """What the program of a wheel says its version is."""
    server = kind(tmp_path, tmp_path, Account(os.geteuid(), os.getegid(), switch=False))
    said = subprocess.run(
        [server.program(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"(?:PostgreSQL\) |v=)([\d.]+)", said)
    assert found, said
    return found[1]


def test_postgresql_and_valkey_are_the_tested_versions(tmp_path: Path) -> None:
    assert SERVICES["database"]["image"] == f"postgres:{version(Postgres, tmp_path)}"
    assert SERVICES["redis"]["image"] == f"valkey/valkey:{version(Redis, tmp_path)}"


def test_databases_are_made_alike() -> None:
    source = (ROOT / "smartcitizen" / "embedded_postgres_server.py").read_text()
    for option in SERVICES["database"]["environment"]["POSTGRES_INITDB_ARGS"].split():
        assert option in source


def test_the_cluster_is_there_only_for_its_profile() -> None:
    """Without it compose starts and keeps what it did before there was one."""
    of_profile = {name for name, service in SERVICES.items() if "profiles" in service}
    assert of_profile == {"citus", "citus-worker-1", "citus-worker-2", "citus-join"}
    assert all(SERVICES[name]["profiles"] == ["citus"] for name in of_profile)
    for name, service in SERVICES.items():
        for other in set(service.get("depends_on", ())) & of_profile:
            optional = service["depends_on"][other] == {
                "condition": "service_completed_successfully",
                "required": False,
            }
            assert name in of_profile or optional
    address = SERVICES["web"]["environment"]["DATABASE_URL"]
    assert address.endswith("@${DATABASE_HOST:-database}/smartcitizen")


def test_the_machines_of_the_cluster_are_the_database_with_citus() -> None:
    machines = [SERVICES[name] for name in ("citus", "citus-worker-1", "citus-worker-2")]
    kept = [volume for machine in machines for volume in machine["volumes"]]
    assert len({*kept, *SERVICES["database"]["volumes"]}) == 4
    for volume in kept:
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    for machine in machines:
        version = re.fullmatch(r"citusdata/citus:(\d+)\.\d+\.\d+", machine["image"])
        assert version and int(version[1]) >= OLDEST_CITUS
        password = machine["environment"]["POSTGRES_PASSWORD"]
        expected = SERVICES["database"]["environment"] | {"PGPASSWORD": password}
        assert machine["environment"] == expected
        assert machine["healthcheck"] == SERVICES["database"]["healthcheck"]
        assert "ports" not in machine
    joined = " ".join(SERVICES["citus-join"]["entrypoint"])
    assert re.findall(r"citus_add_node\('([\w-]+)', 5432\)", joined) == [
        name for name in SERVICES if name.startswith("citus-worker-")
    ]
    assert set(SERVICES["citus-join"]["depends_on"]) == {
        "citus",
        "citus-worker-1",
        "citus-worker-2",
    }


def test_python_is_a_version_that_is_tested_and_every_image_is_pinned() -> None:
    assert re.search(r"^FROM python:3\.11\.\d+-slim-bookworm AS web$", DOCKERFILE, re.MULTILINE)
    for service in SERVICES.values():
        if "build" not in service:
            assert re.fullmatch(r"[\w/]+:\d+(\.\d+)+", service["image"])


def test_the_container_runs_the_web_server_as_make_run_does_and_not_as_root() -> None:
    assert '\nCMD ["python", "-m", "smartcitizen.webserver"]\n' in DOCKERFILE
    assert "command" not in SERVICES["web"]
    assert "\nUSER smartcitizen\n" in DOCKERFILE


def test_the_containers_of_the_application_cannot_be_written_to() -> None:
    ours = [service for service in SERVICES.values() if service.get("image") == "smartcitizen-web"]
    assert len(ours) >= 4
    for service in ours:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_image_can_be_built_of_what_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY ([\w./]+) ", DOCKERFILE, re.MULTILINE)
    assert "deploy/haproxy.cfg" in copied
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    for source in map(Path, copied):
        assert {str(source), *map(str, source.parents)} & let_in, source


def test_only_the_proxy_and_the_gate_are_reached_from_outside() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"proxy": ["80:80", "443:443"], "gate": ["1883:1883", "8883:8883"]}


def test_compose_accepts_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    asked = docker and subprocess.run([docker, "compose", "version"], capture_output=True)
    if not docker or not asked or asked.returncode:
        pytest.skip("docker compose is not installed")
    example = (ROOT / "deploy" / "production.env.example").read_text()
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    (tmp_path / ".env").write_text(re.sub(r"=$", "=secret", example, flags=re.MULTILINE))
    subprocess.run([docker, "compose", "config", "--quiet"], cwd=tmp_path, check=True)


class Web(BaseHTTPRequestHandler):
    """Stands for the web server: tells what it was asked."""

    seen: ClassVar[list[str]] = []
    free: ClassVar[threading.Event] = threading.Event()  # answers wait for it

    def do_GET(self) -> None:
        """Answer with the request as it arrived."""
        self.seen.append(self.path)
        self.free.wait(30)
        if "gone" in self.path:
            self.close_connection = True
            return
        told = {
            "line": self.requestline,
            "headers": {k.lower(): v for k, v in self.headers.items()},
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as the tests make."""

    request_queue_size = 500


def certificate(directory: Path) -> None:
    """A self-signed certificate, as the operator puts one there."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "fullchain.pem").write_bytes(signed.public_bytes(pem))
    (directory / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def adapted(tmp_path: Path, web: int, http: int, https: int) -> Path:
    """The proxy's own configuration, with other ports and paths and less patience."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    places = "".join(
        f"    {kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    for old, new in {
        "http {\n": f"http {{\n{places}",
        "user www-data;\n": "user root;\n" if os.geteuid() == 0 else "",
        "server web:8000": f"server 127.0.0.1:{web}",
        "server kits:8001": f"server 127.0.0.1:{web}",
        "client_header_timeout 30s": "client_header_timeout 3s",
        "client_body_timeout 30s": "client_body_timeout 3s",
        "listen 80 ": f"listen 127.0.0.1:{http} ",
        "listen 443 ": f"listen 127.0.0.1:{https} ",
        "/etc/nginx/certificates": str(tmp_path),
        "/var/log/nginx": str(tmp_path),
        "/run/nginx.pid": f"{tmp_path}/nginx.pid",
    }.items():
        assert old in text
        text = text.replace(old, new)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(text)
    return configuration


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A running nginx before a stub of the web server; yields its plain port and its TLS port."""
    if not NGINX:
        pytest.skip("nginx is not installed")
    certificate(tmp_path)
    Web.free.set()
    http, https = free_port(), free_port()
    web = Server(("127.0.0.1", 0), Web)
    loop = threading.Thread(target=web.serve_forever, args=(0.05,))
    loop.start()
    configuration = adapted(tmp_path, web.server_port, http, https)
    log = tmp_path / "error.log"
    process = subprocess.Popen(
        [NGINX, "-e", str(log), "-c", str(configuration), "-g", "daemon off;"]
    )
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", http), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
        yield http, https
    finally:
        process.terminate()
        process.wait(10)
        web.shutdown()
        web.server_close()
        loop.join()


def raw(port: int, request: bytes) -> bytes:
    """Send bytes as they are; returns all that comes until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def over_https(proxy: tuple[int, int], path: str) -> requests.Response:
    """GET a path of the TLS port, whose certificate nobody signed."""
    return requests.get(f"https://localhost:{proxy[1]}{path}", verify=False, timeout=60)


def test_the_bytes_of_an_old_kit_pass_the_proxy_as_a_proper_request(
    proxy: tuple[int, int],
) -> None:
    data = '[{"temp":"' + "2" * 16_000 + '"}]'
    request = (
        "PUT /add HTTP/1.1 \nHost: data.smartcitizen.me\nUser-Agent: SmartCitizen \n"
        "X-SmartCitizenMacADDR: 00:06:66:2A:02:B3\r\nX-SmartCitizenVersion: 1.1-0.8.5-A\r\n"
        f"X-Forwarded-For: 1.2.3.4\r\nX-SmartCitizenData: {data}\r\n\r\n]\r\n\r\n"
    )
    answer = raw(proxy[0], request.encode())
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    told = json.loads(answer.split(b"\r\n\r\n", 1)[1].split(b"HTTP/1.1")[0])
    assert told["line"].startswith("PUT /add HTTP/1")
    assert told["headers"]["host"] == "data.smartcitizen.me"
    assert told["headers"]["x-smartcitizendata"] == data
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert told["headers"]["x-forwarded-proto"] == "http"


def test_plain_http_is_for_kits_alone(proxy: tuple[int, int]) -> None:
    for path in ("/add", "/v0/add/", "/datetime", "/v0/datetime"):
        assert requests.get(f"http://127.0.0.1:{proxy[0]}{path}", timeout=5).status_code == 200
    for path in ("/", "/v0/devices?near=41.4,2.2&x=a%20b", "/addition"):
        answer = requests.get(
            f"http://127.0.0.1:{proxy[0]}{path}", timeout=5, allow_redirects=False
        )
        assert (answer.status_code, answer.headers["Location"]) == (
            301,
            f"https://127.0.0.1{path}",
        )


def test_https_reaches_the_web_server_and_says_so(proxy: tuple[int, int]) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", proxy[1]), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(
            b"GET /v0/me?x=%C3%A9 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    told = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    assert told["line"].startswith("GET /v0/me?x=%C3%A9 HTTP/1")
    assert told["headers"]["x-forwarded-proto"] == "https"


def test_the_log_of_the_proxy_holds_no_token(proxy: tuple[int, int], tmp_path: Path) -> None:
    token = "a-token-of-a-mailed-link-0123456789-0123456"
    for path in (
        f"/v0/me?access_token={token}",
        f"/v0/password_resets/{token}",
        f"/ui/password_reset/{token}",
    ):
        address = f"http://127.0.0.1:{proxy[0]}{path}"
        requests.get(address, timeout=5, allow_redirects=False)
    written = (tmp_path / "access.log").read_text()
    assert '"GET /v0/me" 301' in written
    assert '"GET /v0/password_resets/[FILTERED]"' in written
    assert token not in written


def test_clients_that_send_slowly_reach_no_process_of_ours_and_are_let_go(
    proxy: tuple[int, int],
) -> None:
    Web.seen.clear()
    head = b"PUT /add HTTP/1.1\r\nHost: localhost\r\nX-SmartCitizenMacADDR: 0"
    body = b"POST /add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"
    slow = [socket.create_connection(("127.0.0.1", proxy[0]), timeout=60) for _ in range(60)]
    for number, connection in enumerate(slow):
        connection.sendall(body if number % 2 else head)
    assert requests.get(f"http://127.0.0.1:{proxy[0]}/datetime", timeout=30).status_code == 200
    for connection in slow:
        assert connection.recv(65536)[:12] in {b"", b"HTTP/1.1 408"}
        connection.close()
    assert Web.seen == ["/datetime"]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_server_that_is_away_is_503_with_the_time_to_come_again(proxy: tuple[int, int]) -> None:
    plain = requests.get(f"http://127.0.0.1:{proxy[0]}/datetime?gone", timeout=30)
    for answer in (plain, over_https(proxy, "/v0/devices?gone")):
        assert (answer.status_code, answer.json()["id"]) == (503, "service_unavailable")
        assert answer.headers["Retry-After"] == "10"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_who_comes_while_the_web_server_has_all_it_can_take_is_told_to_come_again(
    proxy: tuple[int, int],
) -> None:
    Web.seen.clear()
    Web.free.clear()

    with ThreadPoolExecutor(100) as people:
        waiting = [people.submit(over_https, proxy, f"/v0/devices/{n}") for n in range(100)]
        deadline = time.monotonic() + 30
        while len(Web.seen) < 100 and time.monotonic() < deadline:
            time.sleep(0.05)
        refused = over_https(proxy, "/v0/devices/100")
        Web.free.set()
        answers = [one.result() for one in waiting]
        late = over_https(proxy, "/v0/devices/101")
    assert (refused.status_code, refused.json()["id"]) == (503, "service_unavailable")
    assert refused.headers["Retry-After"] == "10"
    assert {answer.status_code for answer in answers} == {200}
    assert late.status_code == 200
    assert len(Web.seen) == 101
