"""Journals: order, reopening, two writers, torn and foreign files, full disks, leases."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from morphogen.journal import Exclusive, Journal, JournalError, JournalFailed, Memory, SQLite, open_journal

EVENTS = [
    {"kind": "asked", "number": n, "at": 1.5 * n, "nested": {"text": "é\n", "list": [n, 0.1]}}
    for n in range(20)
]


def run(code: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "memory":
        yield Memory()
    else:
        with SQLite(tmp_path / "study.db") as opened:
            yield opened


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "study.db"
    with SQLite(path) as journal:
        for event in EVENTS:
            journal.append(event)
    return path


def test_what_is_read_is_what_was_appended_in_order(journal: Journal) -> None:
    assert journal.read() == []
    for event in EVENTS:
        journal.append(event)
    assert journal.read() == EVENTS
    assert journal.read(since=15) == EVENTS[15:]
    assert journal.read(since=20) == []


def test_an_event_without_a_time_stays_without(journal: Journal) -> None:
    journal.append({"kind": "opened"})
    assert journal.read() == [{"kind": "opened"}]


def test_a_changed_event_does_not_change_the_journal(journal: Journal) -> None:
    event = {"kind": "asked", "number": 1}
    journal.append(event)
    event["number"] = 2
    assert journal.read() == [{"kind": "asked", "number": 1}]


def test_a_number_of_numpy_stays_a_number(journal: Journal) -> None:
    """As an estimator of a user's may report it."""
    journal.append({"kind": "told", "at": 1.0, "values": {"accuracy": np.float64(0.5)}})
    (event,) = journal.read()
    assert event["values"] == {"accuracy": 0.5} and isinstance(event["values"]["accuracy"], float)


def test_a_file_reopens_equal_and_alone(filled: Path) -> None:
    with SQLite(filled) as journal:
        assert journal.read() == EVENTS
    assert [path.name for path in filled.parent.iterdir()] == ["study.db"]


def test_nothing_is_created_before_the_first_event(tmp_path: Path) -> None:
    with SQLite(tmp_path / "study.db") as journal:
        assert journal.read() == []
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(JournalError, match="empty.db is empty"):
        SQLite(tmp_path / "empty.db", read_only=True)


def test_what_is_no_number_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with SQLite(tmp_path / "study.db") as journal:
        journal.append({"kind": "opened"})
        with pytest.raises(ValueError, match="not JSON compliant"):
            journal.append({"kind": "told", "value": float("nan")})
        assert journal.read() == [{"kind": "opened"}]


WRITER = """
import sys
from morphogen.journal import SQLite
with SQLite(sys.argv[1]) as journal:
    for number in range(300):
        journal.append({"kind": "asked", "writer": sys.argv[2], "number": number})
"""


def test_processes_that_create_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(i)]) for i in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with SQLite(path) as journal:
        events = journal.read()
    for i in range(3):
        assert [event["number"] for event in events if event["writer"] == str(i)] == list(range(300))


KILLED = """
import os, signal, sys
from morphogen.journal import SQLite
journal = SQLite(sys.argv[1])
for number in range(int(sys.argv[2])):
    journal.append({"kind": "asked", "number": number})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_sigkill_loses_no_event(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    assert run(KILLED, path, 50).returncode == -9
    with SQLite(path, read_only=True) as journal:
        assert [event["number"] for event in journal.read()] == list(range(50))


def test_a_torn_write_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    run(KILLED, path, 50)
    log = tmp_path / "study.db-wal"
    log.write_bytes(log.read_bytes()[:-1000])  # the machine lost power in the middle of the last commit
    with SQLite(path) as journal:
        assert [event["number"] for event in journal.read()] == list(range(49))
        journal.append({"kind": "asked", "number": 49})
    with SQLite(path) as journal:
        assert [event["number"] for event in journal.read()] == list(range(50))


def text_file(path: Path) -> None:
    path.write_text("a letter to a friend\n" * 100)


def another_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE letters (body TEXT)")
    connection.close()


def newer_journal(path: Path) -> None:
    with SQLite(path) as journal:
        journal.append({"kind": "opened"})
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA user_version=2")
    connection.close()


def damaged_journal(path: Path) -> None:
    with SQLite(path) as journal:
        for number in range(2000):
            journal.append({"kind": "asked", "number": number})
    content = bytearray(path.read_bytes())
    content[4096:-4096] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)


def damaged_event(path: Path) -> None:
    with SQLite(path) as journal:
        journal.append({"kind": "asked", "number": 1234567})
    path.write_bytes(path.read_bytes().replace(b"1234567}", b"1234567]"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text_file, "is not a journal"),
        (another_database, "not a journal of ours"),
        (newer_journal, "format 2"),
        (damaged_journal, "is damaged"),
        (damaged_event, "event 1 cannot be read"),
        (Path.mkdir, "is a folder"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_sound_journal_is_refused_in_one_line_and_stays_as_it_was(
    tmp_path: Path, make: Callable[[Path], None], words: str, read_only: bool
) -> None:
    path = tmp_path / "study.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(JournalError, match=words) as caught, SQLite(path, read_only=read_only) as journal:
        journal.read()
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    assert before is None or path.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    journal = SQLite(tmp_path / "nowhere" / "study.db")
    with pytest.raises(JournalError, match="folder that exists and may be written"):
        journal.append({"kind": "opened"})
    with pytest.raises(JournalError, match="folder that exists and may be written"), journal.lease():
        pass


def test_reading_what_is_not_there_says_so_and_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        SQLite(tmp_path / "study.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_a_running_writer_and_may_not_write(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with SQLite(path) as writer, writer.lease():
        writer.append({"kind": "opened"})
        with SQLite(path, read_only=True) as reader:
            assert len(reader.read()) == 1
            writer.append({"kind": "asked"})
            assert [event["kind"] for event in reader.read(since=1)] == ["asked"]
            with pytest.raises(JournalError, match="reading only"):
                reader.append({"kind": "told"})


READER = """
import os, sys
from morphogen.journal import SQLite, JournalError
if os.getuid() == 0:
    os.setuid(65534)
with SQLite(sys.argv[1], read_only=True) as journal:
    print(len(journal.read()))
try:
    SQLite(sys.argv[1]).append({"kind": "told"})
except JournalError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize("state", ["closed", "killed"])
def test_a_copy_in_a_folder_that_may_not_be_written_is_readable(state: str) -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder, path = Path(name), Path(name, "study.db")
        if state == "killed":
            run(KILLED, path, 20)
            Path(name, "study.db-shm").unlink()
        else:
            with SQLite(path) as journal:
                for event in EVENTS:
                    journal.append(event)
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        result = run(READER, path)
        folder.chmod(0o755)
    assert result.stdout.splitlines()[:1] == ["20"], result.stderr
    assert "may be written" in result.stdout.splitlines()[1]


FULL = """
import resource, sys
from morphogen.journal import SQLite, JournalError
journal = SQLite(sys.argv[1])
journal.append({"kind": "opened"})
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
kept = 1
try:
    while True:
        journal.append({"kind": "told", "text": "x" * 1000})
        kept += 1
except JournalError as error:
    print(kept)
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append({"kind": "told", "text": "after"})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_disk_that_takes_no_more_is_told_apart_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    result = run(FULL, path)
    assert result.returncode == 0, result.stderr
    kept, message = result.stdout.splitlines()
    assert "disk" in message
    assert "run the same command again" in message
    with SQLite(path) as journal:
        assert len(journal.read()) == int(kept) + 1
        assert journal.read()[-1]["text"] == "after"


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="mounting a tiny disk takes root on Linux"
)
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this container may not mount a tiny disk")
    try:
        with SQLite(tmp_path / "study.db") as journal:
            kept = 0
            with pytest.raises(JournalFailed, match="the disk is full: free some space"):
                while kept < 10_000:
                    journal.append({"kind": "told", "text": "x" * 1000})
                    kept += 1
            assert len(journal.read()) == kept > 0
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


# --- leases -------------------------------------------------------------------------------------------------


def test_a_second_search_is_refused_while_the_first_lives(journal: Journal) -> None:
    assert isinstance(journal, Exclusive)
    with journal.lease(), pytest.raises(JournalError, match="in use by another search"), journal.lease():
        pass
    with journal.lease():
        pass


HOLDER = """
import sys, time
from morphogen.journal import SQLite
with SQLite(sys.argv[1]).lease():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lease_dies_with_its_process(filled: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(filled)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with SQLite(filled) as journal:
            with pytest.raises(JournalError, match="study.db is in use"), journal.lease():
                pass
            assert journal.read() == EVENTS
            holder.kill()
            holder.wait()
            with journal.lease():
                pass


def test_an_error_inside_a_lease_stays_what_it_is(filled: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="mine"), SQLite(filled).lease():
        raise sqlite3.OperationalError("mine")


# --- addresses ----------------------------------------------------------------------------------------------


def test_journals_have_addresses(filled: Path) -> None:
    assert isinstance(open_journal(None), Memory)
    assert isinstance(open_journal("memory:"), Memory)
    memory = Memory()
    assert open_journal(memory) is memory
    for address in (filled, str(filled), f"sqlite:///{filled}"):
        opened = open_journal(address, read_only=True)
        assert isinstance(opened, SQLite)
        assert opened.read() == EVENTS
        opened.close()


@pytest.mark.parametrize(
    ("address", "words"),
    [("postgresql://host/x", "not there yet"), ("mysql://x", "no journal knows mysql://")],
)
def test_addresses_of_nothing_are_refused(address: str, words: str) -> None:
    with pytest.raises(JournalError, match=words):
        open_journal(address)


def test_the_file_is_one_plain_table(filled: Path) -> None:
    connection = sqlite3.connect(filled)
    number, at, kind, body = connection.execute("SELECT * FROM events WHERE id = 3").fetchone()
    connection.close()
    assert (number, at, kind) == (3, 3.0, "asked")
    assert json.loads(body) == {"number": 2, "nested": {"text": "é\n", "list": [2, 0.1]}}
