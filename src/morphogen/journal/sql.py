"""A journal in one SQLite file: one append-only table of events, one short transaction an event.

The file is in WAL mode with `synchronous=NORMAL`. A commit is then one write to the log file beside the
database and waits for no disk: once `append` returns, the event is in the operating system's hands, so
SIGKILL, a crash of Python or of the machine learning library lose nothing. A power cut may lose the last
events, never the order or the file: every frame of the log carries a checksum, and what is torn is dropped.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, final

from morphogen.journal.journal import Event, Journal, JournalError, JournalFailed
from morphogen.journal.lease import Exclusive, file_lease

APPLICATION: Final = 0x4D6F7270  # "Morp", what SQLite calls the application id: whose file this is
FORMAT: Final = 1
PATIENCE: Final = (
    30.0  # seconds that a writer waits for another writer's transaction, which takes microseconds
)
UNOPENED: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
TABLE: Final = "CREATE TABLE events (id INTEGER PRIMARY KEY, at REAL, kind TEXT NOT NULL, body TEXT NOT NULL)"
ENCODE: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


@final
class SQLite(Journal, Exclusive):
    """The journal in the file `path`, which appears with the first event.

    read_only: for readers such as `show`; works beside a running search, and on a file or folder that may not
    be written. Also a context manager that closes the file.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._copy: TemporaryDirectory[str] | None = None
        if read_only and not self._exists:
            empty = f"{self.path} is empty: no search was begun there"
            raise JournalError(empty if self.path.exists() else f"there is no journal {self.path}")
        if self._exists:
            self._open()

    def __str__(self) -> str:
        return str(self.path)

    def append(self, event: Event) -> None:
        """Write one event; when this returns, the event survives the death of the process."""
        if self.read_only:
            raise JournalError(f"{self} was opened for reading only")
        connection = self._connection or self._create()
        body = {name: value for name, value in event.items() if name != "kind" and name != "at"}
        try:
            # One statement is one transaction: it waits for other writers, takes the write lock, and commits.
            connection.execute(
                "INSERT INTO events (at, kind, body) VALUES (?, ?, ?)",
                (event.get("at"), event["kind"], ENCODE(body)),
            )
        except sqlite3.Error as error:
            raise self._explained(error) from None

    def read(self, since: int = 0) -> list[Event]:
        """Return the events from number `since` on."""
        if self._connection is None:
            if not self._exists:
                return []
            self._open()
        assert self._connection is not None
        query = "SELECT id, at, kind, body FROM events WHERE id > ? ORDER BY id"
        try:
            rows = self._connection.execute(query, (since,)).fetchall()
        except sqlite3.Error as error:
            raise self._explained(error) from None
        return [self._event(*row) for row in rows]

    def lease(self) -> AbstractContextManager[None]:
        """Hold the journal against a second search, by a lock that dies with the process."""
        return file_lease(self.path.with_name(f"{self.path.name}.lock"))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        copy, self._copy = self._copy, None
        if copy is not None:
            copy.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with suppress(sqlite3.Error, AttributeError):
            self.close()

    # --- opening --------------------------------------------------------------------------------------------

    @property
    def _exists(self) -> bool:
        """Whether there is something in the file; an empty one is still to be made, as SQLite sees it."""
        try:
            return self.path.exists() and (self.path.is_dir() or self.path.stat().st_size > 0)
        except OSError as error:
            raise JournalError(
                f"{self} cannot be read: {error.strerror}; name a file that may be read"
            ) from None

    def _open(self) -> None:
        if self.path.is_dir():
            raise JournalError(f"{self} is a folder: name a file")
        try:
            self._use(self._connect("ro" if self.read_only else "rw"))
        except sqlite3.Error as error:
            if not self.read_only or error.sqlite_errorcode & 0xFF not in UNOPENED:
                raise self._explained(error) from None
            # The index that SQLite keeps beside a log cannot be made in a folder that may not be written.
            try:
                self._use(self._connect_to_copy())
            except OSError:
                raise self._explained(error) from None

    def _use(self, connection: sqlite3.Connection) -> None:
        """Keep the connection if it leads to a journal, close it if not."""
        try:
            self._check(connection)
            if not self.read_only:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _create(self) -> sqlite3.Connection:
        try:
            connection = self._connect("rwc")
            with closing(connection):
                connection.execute(
                    "BEGIN IMMEDIATE"
                )  # of two processes that create the journal at once, one does
                if connection.execute("PRAGMA application_id").fetchone()[0] == 0:
                    connection.execute(f"PRAGMA application_id={APPLICATION}")
                    connection.execute(f"PRAGMA user_version={FORMAT}")
                    connection.execute(TABLE)
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._explained(error) from None
        self._open()
        assert self._connection is not None
        return self._connection

    def _connect(self, mode: str) -> sqlite3.Connection:
        location = f"{self.path.resolve().as_uri()}?mode={mode}"
        return sqlite3.connect(location, timeout=PATIENCE, isolation_level=None, uri=True)

    def _connect_to_copy(self) -> sqlite3.Connection:
        self._copy = TemporaryDirectory(prefix="morphogen-")
        copy = Path(self._copy.name, "journal.db")
        shutil.copyfile(self.path, copy)
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{self.path}-wal", f"{copy}-wal")
        return sqlite3.connect(copy, isolation_level=None)

    def _check(self, connection: sqlite3.Connection) -> None:
        """Raise for a database that is not a journal of a format we know; writes nothing."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION:
            raise JournalError(f"{self} is a database, but not a journal of ours: name another file")
        if version != FORMAT:
            raise JournalError(
                f"{self} has journal format {version}, this version reads format {FORMAT}: "
                "use the version that wrote it"
            )
        connection.execute("SELECT max(id) FROM events").fetchone()

    # --- words ----------------------------------------------------------------------------------------------

    def _event(self, number: int, at: float | None, kind: str, body: str) -> dict[str, Any]:
        try:
            fields = json.loads(body)
            return {"kind": kind, **fields} if at is None else {"kind": kind, "at": at, **fields}
        except (ValueError, TypeError):
            raise JournalFailed(
                f"{self} is damaged: event {number} cannot be read; restore the file from a copy"
            ) from None

    def _explained(self, error: sqlite3.Error) -> JournalError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_NOTADB:
            reason = "is not a journal (not an SQLite file): name another file"
        elif code == sqlite3.SQLITE_CORRUPT:
            reason = "is damaged: restore it from a copy, or name another file to begin anew"
        elif code == sqlite3.SQLITE_FULL:
            reason = "cannot grow, the disk is full: free some space and run the same command again"
        elif code == sqlite3.SQLITE_IOERR:
            reason = (
                f"cannot be written or read ({error}): see to the disk, its space and its quota, "
                "and run the same command again"
            )
        elif code in UNOPENED:
            reason = "cannot be opened for writing: name a file in a folder that exists and may be written"
            if self.read_only:
                reason = "cannot be opened: see that the file and its folder may be read"
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            reason = (
                f"was locked by another program for {PATIENCE:.0f} seconds: close that program and try again"
            )
        else:
            reason = f"cannot be used: {error}"
        failed = code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT)
        return (JournalFailed if failed else JournalError)(f"{self} {reason}")
