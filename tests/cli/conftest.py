"""What the tests of the program share: the program itself, and a server to talk to."""

import os
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build")).resolve() / "hyperline"
HYPERD = Path(os.environ.get("HYPERD_PATH", ROOT / ".deps" / "hyper" / "hyperd"))
TIMEOUT = 120


def environment(**extra):
    env = {key: value for key, value in os.environ.items() if not key.startswith("HYPERLINE_")}
    return {**env, "HYPERD_PATH": str(HYPERD), "LC_ALL": "C.UTF-8", **extra}


def run(*arguments, env=None, **options):
    """Runs the program; what it wrote is bytes."""
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        capture_output=True,
        timeout=TIMEOUT,
        env=environment(**(env or {})),
        **options,
    )


def query(*arguments, **options):
    """Runs `hyperline query`, which has to succeed without a word on stderr; returns its stdout as
    text."""
    done = run("query", *arguments, **options)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()


def query_fails(*arguments, status=1, **options):
    """Runs `hyperline query`, which has to fail with nothing on stdout; returns its stderr."""
    done = run("query", *arguments, **options)
    assert (done.returncode, done.stdout.decode()) == (status, "")
    assert done.stderr.decode().startswith("hyperline: ")
    return done.stderr.decode()


def processes_with(variable):
    """The ids of the processes whose environment has NAME=VALUE: a program that was run with it,
    and the server that the program started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if variable.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            pass  # another user's, or ended meanwhile
    return found


def own_server(process, variable):
    """The id of the server that a program, run with the variable, has started; None before."""
    return next((pid for pid in processes_with(variable) if pid != process.pid), None)


def accept_callback(listener, process):
    """The connection that a starting hyperd makes, which ends it when closed, and what it says."""
    listener.settimeout(30)
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        process.kill()
        raise
    connection.settimeout(30)
    length = connection.recv(1)[0]
    text = b""
    while len(text) < length:
        text += connection.recv(length - len(text))
    return connection, text.rstrip(b"\0").decode()


@dataclass
class Server:
    port: int
    socket: str
    folder: Path
    process: subprocess.Popen

    @property
    def tcp(self):
        return f"127.0.0.1:{self.port}"

    def create(self, name, *statements):
        """Makes a database file in the server's folder and runs statements in it."""
        path = self.folder / name
        query(f"endpoint={self.tcp} database={path} create=replace", ";".join(statements))
        return path


class Holder:
    """A session of the server that keeps a database file attached."""

    def __init__(self, server, path):
        self.db = f"endpoint={server.tcp} database={path}"
        self.process = None

    def __enter__(self):
        sql = "SELECT i FROM generate_series(1, 2000000000) g(i)"
        self.process = subprocess.Popen(
            [PROGRAM, "query", self.db, sql, "--format=csv"],
            stdout=subprocess.PIPE,
            env=environment(),
        )
        # Once a row is here the file is attached; nobody reads on, so it stays so.
        assert self.process.stdout.readline() == b"i\n"
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.close()
        self.process.wait(60)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server that listens by TCP and on a unix socket, and ends with this process."""
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        callback = f"tab.tcp://127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(
            [
                HYPERD,
                "run",
                f"--listen-connection=tab.tcp://127.0.0.1:0,tab.domain://{folder}/domain/socket",
                f"--callback-connection={callback}",
                "--init-user=tableau_internal_user",
                "--no-password",
                "--skip-license",
                "--log-config=",
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        connection, endpoint = accept_callback(listener, process)
    yield Server(int(endpoint.rpartition(":")[2]), str(folder / "socket"), folder, process)
    connection.close()
    process.wait(30)


@pytest.fixture(scope="session")
def database(server):
    """A database with a small table, which the server holds only while somebody is connected."""
    return server.create(
        "shared.hyper",
        "CREATE TABLE t (a int, b text)",
        "INSERT INTO t VALUES (1, 'x'), (NULL, ''), (3, NULL)",
    )
