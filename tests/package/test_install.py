"""An installed hyperline is found and linked by pkg-config and by CMake, shared and static."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build"))

PROGRAM = """\
#include <hyperline/hyperline.h>
#include <stdio.h>

int main(void)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = NULL;
    hyl_status status = hyl_config_new(&config, &err);
    hyl_config_free(config);
    puts(hyl_version());
    return status == HYL_OK ? 0 : 1;
}
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(hyperline {version} REQUIRED {components})
add_executable(program program.c)
target_link_libraries(program PRIVATE {target})
"""


def version():
    text = (ROOT / "include" / "hyperline" / "version.h").read_text()
    return ".".join(re.findall(r"#define HYL_VERSION_\w+ +(\d+)", text))


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Installed, and then moved: nothing may hold the prefix that it was installed to."""
    first = tmp_path_factory.mktemp("install") / "first"
    run("cmake", "--install", BUILD, "--prefix", first)
    moved = first.with_name("moved")
    first.rename(moved)
    return moved


@pytest.fixture
def source(tmp_path):
    (tmp_path / "program.c").write_text(PROGRAM)
    return tmp_path


def library_folder(prefix):
    return next(prefix.rglob("libhyperline.so")).parent


def pkg_config(prefix, *arguments):
    env = {**os.environ, "PKG_CONFIG_PATH": str(library_folder(prefix) / "pkgconfig")}
    return run("pkg-config", *arguments, "hyperline", env=env).split()


def run_program(prefix, program):
    return run(program, env={"LD_LIBRARY_PATH": str(library_folder(prefix))}).strip()


def test_what_is_installed(prefix):
    for header in (ROOT / "include" / "hyperline").glob("*.h"):
        assert (prefix / "include" / "hyperline" / header.name).is_file()
    folder = library_folder(prefix)
    assert (folder / "libhyperline.a").is_file()
    assert (folder / "libhyperline.so.0").resolve().name == f"libhyperline.so.{version()}"
    assert os.access(prefix / "bin" / "hyperline", os.X_OK)
    run(prefix / "bin" / "hyperline", "--help")
    assert {path.name for path in (prefix / "share" / "doc" / "hyperline").iterdir()} == {"LICENSE", "NOTICE"}


def test_no_file_tells_where_it_was_built(prefix):
    for path in [*prefix.rglob("*.pc"), *prefix.rglob("*.cmake"), *prefix.rglob("*.h")]:
        text = path.read_text()
        assert str(ROOT) not in text and str(BUILD) not in text, path


def test_pkg_config_shared(prefix, source):
    assert pkg_config(prefix, "--modversion") == [version()]
    flags = pkg_config(prefix, "--cflags", "--libs")
    run("cc", "-o", source / "program", source / "program.c", *flags)
    assert run_program(prefix, source / "program") == version()


def test_pkg_config_static(prefix, source):
    flags = pkg_config(prefix, "--cflags", "--libs", "--static")
    archive = library_folder(prefix) / "libhyperline.a"
    flags = [str(archive) if flag == "-lhyperline" else flag for flag in flags]
    run("cc", "-o", source / "program", source / "program.c", *flags)
    assert run(source / "program", env={}).strip() == version()


@pytest.mark.parametrize(
    "components, target", [("", "hyperline::hyperline"), ("COMPONENTS static", "hyperline::static")]
)
def test_cmake_package(prefix, source, components, target):
    text = CMAKE.format(version=version(), components=components, target=target)
    (source / "CMakeLists.txt").write_text(text)
    build = source / "build"
    run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    assert run_program(prefix, build / "program") == version()


def test_cmake_package_refuses_another_version(prefix, source):
    text = CMAKE.format(version="7.0", components="", target="hyperline::hyperline")
    (source / "CMakeLists.txt").write_text(text)
    command = ["cmake", "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={prefix}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "version" in done.stderr


def test_shared_library_needs_nothing_undefined(prefix):
    """Every symbol that it uses is found in the libraries that it names."""
    output = run("ldd", "-r", library_folder(prefix) / "libhyperline.so")
    assert "undefined symbol" not in output


def test_libraries_do_not_depend_on_what_the_program_alone_needs(prefix):
    needed = run("readelf", "-d", library_folder(prefix) / "libhyperline.so")
    assert "libz." not in needed
