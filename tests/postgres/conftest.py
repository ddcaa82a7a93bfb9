"""One PostgreSQL server for these tests, made from nothing and ended with them."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

BIN = Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


def postgres_user():
    """Root may not run PostgreSQL: its own user does."""
    return pwd.getpwnam("postgres") if os.getuid() == 0 else None


def run_as(user):
    """Options of subprocess that run a program as `user`, in a group of its own."""
    options = {"stdin": subprocess.DEVNULL, "cwd": "/", "start_new_session": True}
    if user is not None:
        options.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    return options


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def start(folder, user):
    """The server's process and port, once it takes connections."""
    port = free_port()
    command = [BIN / "postgres", "-D", folder / "data", "-p", str(port), "-k", str(folder), "-F"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*command, "-c", "listen_addresses=127.0.0.1"],
            stdout=log,
            stderr=log,
            **run_as(user),
        )
    deadline = time.monotonic() + 60
    while b"ready to accept connections" not in (folder / "log").read_bytes():
        assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.02)
    return process, port


@pytest.fixture(scope="session")
def postgres():
    """The port of a PostgreSQL whose user "postgres" needs no password."""
    if not (BIN / "postgres").exists():
        pytest.skip(f"PostgreSQL 15 is not here ({BIN})")
    user = postgres_user()
    folder = Path(tempfile.mkdtemp(prefix="hyperline-postgres-"))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        subprocess.run(
            [BIN / "initdb", "--pgdata", folder / "data", "--username=postgres", "--auth=trust"]
            + ["--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            **run_as(user),
        )
        process, port = start(folder, user)
        try:
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    finally:
        shutil.rmtree(folder)
