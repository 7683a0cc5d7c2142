"""The MLflow server on a lab, for as long as somebody looks at it."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from types import FrameType
from urllib.request import ProxyHandler, build_opener

from triadic.reports.tracking.database import EXPERIMENT
from triadic.schema.errors import Unavailable
from triadic.schema.lab import Lab

PATIENCE = 120.0  # seconds a server may take to answer for the first time
GRACE = 10.0  # seconds it has to stop by itself


def serve(lab: Lab, host: str, port: int, ready: Callable[[str], None] = lambda url: None) -> int:
    """Run the MLflow server on this lab until Ctrl-C (or SIGTERM, SIGHUP); returns 0 then, else the server's exit code.

    Calls `ready` with the address once it answers. The server and its workers are one process group of their own, which
    is stopped as a whole, so that none of them outlives this call. Raises Unavailable when the address is taken, or the
    server does not come up.
    """
    _check_free(host, port)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", lab.mlflow_uri, "--workers", "1"]
    command += ["--default-artifact-root", lab.mlflow_artifacts.as_uri(), "--host", host, "--port", str(port)]
    command += ["--registry-store-uri", lab.mlflow_uri, "--uvicorn-opts", "--log-level warning"]
    settings = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = lab.path / "mlflow-server.log"  # what it says while it works is of no interest to who looks at the lab
    with _stoppable(), log.open("w") as file:
        server = subprocess.Popen(
            command, env=settings, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
        try:
            url = f"http://{_name(host)}:{port}"
            _wait(server, url, log)
            ready(_runs_page(url))
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(server)


def _check_free(host: str, port: int) -> None:
    if not 0 < port < 65536:
        raise Unavailable(f"{port} is no port: choose a --port from 1024 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: not put off by TIME_WAIT
            probe.bind(address)
    except OSError as error:
        reason = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise Unavailable(f"{host}:{port} cannot be used for the UI ({reason}): choose another --port") from error


def _name(host: str) -> str:
    """What a browser on this machine calls the host."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            _get(f"{url}/health").close()
            return
        except OSError:
            time.sleep(0.1)
    what = "is still silent" if server.poll() is None else f"stopped with exit code {server.returncode}"
    raise Unavailable(f"the MLflow server for {url} {what}: {log} says why")


def _runs_page(url: str) -> str:
    """The address of the table of runs, or of the whole server while the lab has none."""
    try:
        with _get(f"{url}/api/2.0/mlflow/experiments/get-by-name?experiment_name={EXPERIMENT}") as answer:
            number = json.load(answer)["experiment"]["experiment_id"]
            return f"{url}/#/experiments/{number}/runs?workflowType=machine_learning"  # not the pages for prompts
    except OSError:
        return url


def _get(url: str) -> HTTPResponse:
    answer: HTTPResponse = build_opener(ProxyHandler({})).open(url, timeout=5)  # this machine: never through a proxy
    return answer


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block like Ctrl-C, so that the server is stopped too."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {}
    try:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            before[number] = signal.signal(number, stop)
    except ValueError:  # not in the main thread: whoever runs this one stops it
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server's whole process group: politely, and after GRACE (or a second Ctrl-C) by force."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 1.0)):
        try:
            os.killpg(server.pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                server.poll()  # collects the one we started, so that its group can end
                os.killpg(server.pid, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            return  # nobody is left
        except KeyboardInterrupt:
            continue
