"""What others have written (servers, files, names) cannot drive the terminal."""

import base64
import re
import socket
import struct
import threading

import pytest
from conftest import query, query_fails, run

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


def assert_harmless(text):
    # Line ends aside, nothing that a terminal acts on.
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)


def assert_shown(text):
    assert SHOWN in text
    assert_harmless(text)


# ---- hyperd --------------------------------------------------------------------------------------


def test_the_servers_errors(server):
    assert_shown(query_fails(server.tcp, f'SELECT 1 FROM "{HOSTILE}"'))
    assert_shown(query_fails(server.tcp, f"SELECT CAST('{HOSTILE}' AS int)"))


def test_no_line_of_an_error_passes_for_a_message(server):
    text = query_fails(server.tcp, 'SELECT 1 FROM "x\nhyperline: all is well"')
    assert [line for line in text.splitlines() if line.startswith("hyperline: ")] == text.splitlines()[:1]
    assert "\n    hyperline: all is well" in text


def test_tables_show_values_and_names(server):
    text = query(server.tcp, f"SELECT '{HOSTILE}\n' AS \"{HOSTILE}\"", "--null", HOSTILE)
    assert text.count(SHOWN) == 2
    assert_harmless(text)
    assert_shown(query(server.tcp, "SELECT NULL AS x", "--null", HOSTILE))


def test_data_formats_stay_exact(server, tmp_path):
    sql = f"SELECT '{HOSTILE}' AS x"
    assert query(server.tcp, sql, "--format=csv") == f"x\n{HOSTILE}\n"
    assert query(server.tcp, sql, "-o", tmp_path / "x.csv") == ""
    assert (tmp_path / "x.csv").read_bytes() == f"x\n{HOSTILE}\n".encode()


def test_names_of_files_and_tables(server, tmp_path):
    assert_shown(query_fails(tmp_path / f"{HOSTILE}.hyper", "SELECT 1"))
    assert_shown(query_fails(server.tcp, "-f", tmp_path / HOSTILE))
    csv = tmp_path / f"{HOSTILE}.csv"
    csv.write_text(f"{HOSTILE},b\n1,2\n")
    done = run("load", csv, tmp_path / "x.hyper", "--table", HOSTILE)
    assert done.returncode == 0
    assert SHOWN in done.stderr.decode() and SHOWN in done.stdout.decode()
    assert_harmless(done.stderr.decode() + done.stdout.decode())
    done = run("load", tmp_path / "no" / HOSTILE, tmp_path / "x.hyper")
    assert done.returncode == 1
    assert_shown(done.stderr.decode())


# ---- A server of any words -----------------------------------------------------------------------


def message(letter, body):
    return letter + struct.pack(">I", len(body) + 4) + body


def receive(connection, count):
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got


def receive_message(connection):
    letter, length = struct.unpack(">cI", receive(connection, 5))
    return letter, receive(connection, length - 4)


class Server:
    """Answers each login, in threads, by `talk(connection)`."""

    def __init__(self, talk):
        self.talk = talk
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                (length,) = struct.unpack(">I", receive(connection, 4))
                receive(connection, length - 4)
                self.talk(connection)
                while connection.recv(4096):
                    pass
            except (OSError, EOFError):
                pass

    def __enter__(self):
        return self.address

    def __exit__(self, *_):
        self.socket.close()


def diagnosis(letter, **fields):
    body = b"".join(key.encode() + value.encode() + b"\0" for key, value in fields.items()) + b"\0"
    return message(letter, body)


def refuse_scram(connection):
    connection.sendall(message(b"R", struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0"))
    _, body = receive_message(connection)
    nonce = re.search(rb"r=([^,]+)", body).group(1)
    salt = base64.b64encode(b"0123456789abcdef")
    challenge = b"r=" + nonce + b"more,s=" + salt + b",i=4096"
    connection.sendall(message(b"R", struct.pack(">I", 11) + challenge))
    receive_message(connection)
    connection.sendall(message(b"R", struct.pack(">I", 12) + b"e=" + HOSTILE.encode()))


def test_what_a_login_says():
    with Server(refuse_scram) as address:
        text = query_fails(address, "SELECT 1", env={"HYPERLINE_PASSWORD": "x", "HYPERLINE_USER": "u"})
        assert "SCRAM" in text or "authentication" in text
        assert_harmless(text)
        assert r"\x1b]0;owned" in text


@pytest.mark.parametrize("field", ["M", "D", "H"])
def test_every_field_of_an_error(field):
    fields = {"S": "FATAL", "C": "28000", "M": "no", field: f"{HOSTILE}\nhyperline: yes"}
    with Server(lambda connection: connection.sendall(diagnosis(b"E", **fields))) as address:
        text = query_fails(address, "SELECT 1")
        assert "\nhyperline:" not in text
        assert_harmless(text)
        if field == "M":
            assert_shown(text)


def answer_with(reply):
    def talk(connection):
        connection.sendall(
            message(b"R", struct.pack(">I", 0))
            + message(b"S", b"result_format_code\0HyperBinary\0")
            + message(b"K", struct.pack(">II", 1, 2))
            + message(b"Z", b"I")
        )
        while True:
            receive_message(connection)
            connection.sendall(reply + message(b"Z", b"I"))

    return talk


@pytest.mark.parametrize("field", ["M", "D", "H"])
def test_every_field_of_a_statements_error(field):
    fields = {"S": "ERROR", "C": "42601", "M": "no", "P": "1", field: f"{HOSTILE}\nhyperline: yes"}
    with Server(answer_with(diagnosis(b"E", **fields))) as address:
        text = query_fails(address, "SELECT 1")
        assert "\nhyperline:" not in text
        assert "\n    hyperline: yes" in text
        assert_shown(text)


def test_a_tag():
    with Server(answer_with(message(b"C", HOSTILE.encode() + b"\0"))) as address:
        done = run("query", address, "CREATE TABLE t (a int)")
        assert_shown(done.stdout.decode())
        done = run("query", address, "CREATE TABLE t (a int)", "--format=csv")
        assert_harmless(done.stdout.decode() + done.stderr.decode())
