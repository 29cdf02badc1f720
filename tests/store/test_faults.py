"""What breaks between us and the server, on real servers and connections."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from langchain_durable.errors import (
    JournalCorrupt,
    JournalGap,
    JournalReadOnly,
    JournalTooNew,
    JournalUnavailable,
    RunNotFound,
)
from langchain_durable.events import RunStatus
from langchain_durable.journal import FORMAT, Close, Retention, Store, Verdict
from langchain_durable.store import open_store
from tests.servers import LOSES_NOTHING, Server, free_port, start_redis, start_valkey
from tests.store.making import ended, leased, opening, started
from tests.store.proxy import Proxy, proxied


@pytest.fixture
def proxy(own_valkey: Server) -> Iterator[Proxy]:
    with proxied(own_valkey.port) as between:
        yield between


@pytest.fixture
def behind(proxy: Proxy) -> Iterator[Store]:
    """A store whose connection goes through the proxy."""
    store = open_store(proxy.url)
    yield store
    store.close()


def sequence(store: Store, run_id: str = "r") -> list[int]:
    return [record.seq for record in store.load(run_id, limit=100_000).result()]


def test_a_lost_reply_leaves_one_record(proxy: Proxy, behind: Store) -> None:
    lease = leased(behind)
    for seq in range(2, 22):
        proxy.lose_replies()
        behind.append(lease, [ended()], seq=seq).result()
        assert proxy.lost.acquire(blocking=False)
    assert sequence(behind) == list(range(1, 22))


async def test_a_lost_reply_leaves_one_record_for_a_task(proxy: Proxy, behind: Store) -> None:
    lease = (await behind.acquire(opening()).aresult()).lease
    assert lease is not None
    for seq in range(2, 12):
        proxy.lose_replies()
        behind.append(lease, [started()], seq=2 * seq - 2)
        await behind.append(lease, [ended()], seq=2 * seq - 1).aresult()
    records = await behind.load("r").aresult()
    assert [record.seq for record in records] == list(range(1, 22))


def test_a_lost_reply_to_an_acquire_makes_one_attempt(proxy: Proxy, behind: Store) -> None:
    behind.header("r").result()
    proxy.lose_replies()
    opened = behind.acquire(opening()).result()
    assert proxy.lost.acquire(blocking=False)
    assert opened.verdict is Verdict.NEW
    assert opened.lease is not None
    assert opened.lease.attempt == 1
    assert sequence(behind) == [1]


def test_many_callers_survive_cut_connections(proxy: Proxy, behind: Store) -> None:
    leases = [leased(behind, f"run{i}") for i in range(8)]
    working = threading.Semaphore(0)

    def sync(place: int) -> None:
        for seq in range(2, 102):
            behind.append(leases[place], [ended()], seq=seq).result()
            working.release()

    async def tasks(place: int) -> None:
        for seq in range(2, 102):
            await behind.append(leases[place], [ended()], seq=seq).aresult()
            working.release()

    threads = [
        threading.Thread(target=lambda i=i: asyncio.run(tasks(i)) if i % 2 else sync(i))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for _ in range(20):
        for _ in range(20):
            working.acquire()
        proxy.cut()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert all(sequence(behind, f"run{i}") == list(range(1, 102)) for i in range(8))


def test_a_killed_client_connects_again(own_valkey: Server, own_store: Store) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        for seq in range(2, 22):
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            own_store.append(lease, [ended()], seq=seq).result()
    assert sequence(own_store) == list(range(1, 22))


def test_flushed_scripts_are_loaded_again_in_order(own_valkey: Server, own_store: Store) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        for seq in range(2, 42, 4):
            client.script_flush()
            tickets = [own_store.append(lease, [ended()], seq=seq + i) for i in range(4)]
            tickets[-1].result()
    assert sequence(own_store) == list(range(1, 42))


def test_a_killed_server_has_what_it_acknowledged(tmp_path: Path) -> None:
    with start_valkey(tmp_path, *LOSES_NOTHING, tcp=True) as server:
        store = open_store(server.url)
        work = Work(store, runs=4, records=150)
        for _ in range(3):
            work.wait_for(100)
            server.kill()
            seen = list(work.acknowledged)
            server.restart()
            assert all(map(int.__ge__, lengths(server, seen), seen))
        work.join()
        assert all(sequence(store, f"run{i}") == list(range(1, 151)) for i in range(4))
        store.close()


def lengths(server: Server, runs: list[int]) -> list[int]:
    with server.client() as client:
        return [int(client.xlen(f"lcd:{{run{place}}}:journal")) for place in range(len(runs))]


class Work:
    """Threads that append to a run each, and note what was acknowledged."""

    def __init__(self, store: Store, *, runs: int, records: int) -> None:
        self.acknowledged = [1] * runs
        self._store = store
        self._done = threading.Semaphore(0)
        self._leases = [leased(store, f"run{i}") for i in range(runs)]
        self._threads = [
            threading.Thread(target=self._append, args=(i, records)) for i in range(runs)
        ]
        for thread in self._threads:
            thread.start()

    def _append(self, place: int, records: int) -> None:
        for seq in range(2, records + 1):
            draft = ended(payload=b"x" * 2000)
            self._store.append(self._leases[place], [draft], seq=seq).result()
            self.acknowledged[place] = seq
            self._done.release()

    def wait_for(self, appends: int) -> None:
        for _ in range(appends):
            assert self._done.acquire(timeout=60)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def test_a_server_is_revived_before_each_new_connection(own_valkey: Server) -> None:
    revived = threading.Semaphore(0)

    def revive() -> None:
        own_valkey.restart()
        revived.release()

    store = open_store(own_valkey.url, revive=revive)
    lease = leased(store)
    assert not revived.acquire(blocking=False)
    own_valkey.kill()
    store.append(lease, [ended()], seq=2).result()
    assert revived.acquire(blocking=False)
    assert sequence(store) == [1, 2]
    store.close()


def test_a_server_that_is_gone_is_unavailable(own_valkey: Server) -> None:
    store = open_store(own_valkey.url, retry_for=0.3)
    lease = leased(store)
    own_valkey.kill()
    with pytest.raises(JournalUnavailable, match=r"could not be reached for 0\.\d s"):
        store.append(lease, [ended()], seq=2).result()
    own_valkey.restart()
    store.append(lease, [ended()], seq=2).result()
    store.close()


async def test_a_server_that_is_gone_is_unavailable_for_tasks(own_valkey: Server) -> None:
    store = open_store(own_valkey.url, retry_for=0.3)
    lease = (await store.acquire(opening()).aresult()).lease
    assert lease is not None
    own_valkey.kill()
    tickets = [store.append(lease, [ended()], seq=seq) for seq in range(2, 6)]
    answers = await asyncio.gather(*(t.aresult() for t in tickets), return_exceptions=True)
    assert [type(answer) for answer in answers] == [JournalUnavailable] * 4
    store.close()


def test_a_server_that_hangs_is_waited_for(own_valkey: Server) -> None:
    store = open_store(f"{own_valkey.url}?socket_timeout=0.2")
    lease = leased(store)
    own_valkey.pause()
    ticket = store.append(lease, [ended()], seq=2)
    waiter = threading.Thread(target=ticket.result)
    waiter.start()
    waiter.join(0.5)
    assert waiter.is_alive()
    own_valkey.resume()
    waiter.join(20)
    assert not waiter.is_alive()
    assert sequence(store) == [1, 2]
    store.close()


def test_a_wrong_port_is_told_without_the_password() -> None:
    store = open_store(f"redis://me:secret@127.0.0.1:{free_port()}/0", retry_for=0.1)
    with pytest.raises(JournalUnavailable, match=r"redis://me@127\.0\.0\.1") as caught:
        store.header("r").result()
    assert "secret" not in str(caught.value)
    store.close()


@pytest.mark.parametrize("login", ["", "me:wrong@", ":wrong@"])
def test_a_wrong_password_is_told_at_once(tmp_path: Path, login: str) -> None:
    with start_valkey(tmp_path, tcp=True) as server:
        with server.client() as client:
            client.config_set("requirepass", "right")
        store = open_store(server.url.replace("//", f"//{login}"))
        with pytest.raises(JournalUnavailable, match="refused our credentials") as caught:
            store.header("r").result()
        assert "wrong@" not in str(caught.value)
        store.close()


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for this machine that is its own authority, and its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(local, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (directory / "cert.pem").write_bytes(made.public_bytes(pem))
    (directory / "key.pem").write_bytes(key.private_bytes(pem, private, bare))
    return directory / "cert.pem", directory / "key.pem"


def test_a_certificate_that_is_not_trusted_is_told_as_such(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    port = str(free_port())
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    ca = ("--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no")
    with start_redis(tmp_path / "server", "--tls-port", port, *files, *ca):
        url = f"rediss://127.0.0.1:{port}/0"
        store = open_store(url)
        with pytest.raises(JournalUnavailable, match=r"not trusted here.*ssl_ca_certs="):
            store.header("r").result()
        store.close()

        store = open_store(f"{url}?ssl_ca_certs={certificate}")
        assert store.header("r").result() is None
        store.close()


def test_a_command_that_the_acl_forbids_is_told_at_once(own_valkey: Server) -> None:
    with own_valkey.client() as client:
        client.execute_command("ACL SETUSER me on >pw ~other:* +@all")
    store = open_store(own_valkey.url.replace("//", "//me:pw@"))
    with pytest.raises(JournalUnavailable, match=r"forbids.*ACL SETUSER"):
        store.header("r").result()
    store.close()


@pytest.mark.parametrize("rights", ["~* +@all -xadd", "~*meta +@all", "~* +@all -evalsha"])
@pytest.mark.parametrize("start", [start_valkey, start_redis])
def test_what_the_acl_forbids_in_scripts_is_told_as_such(
    tmp_path: Path, start: Any, rights: str
) -> None:
    with start(tmp_path) as server:
        with server.client() as client:
            client.execute_command(f"ACL SETUSER me on >pw {rights}")
        store = open_store(f"{server.url}?username=me&password=pw")
        with pytest.raises(JournalUnavailable, match=r"forbids.*ACL SETUSER"):
            store.acquire(opening()).result()
        store.close()


@pytest.mark.parametrize(
    ("options", "database", "says"),
    [((), 99, "number at the end"), (("--cluster-enabled", "yes"), 1, r"redis\+cluster://")],
)
@pytest.mark.parametrize("start", [start_valkey, start_redis])
def test_a_database_that_is_none_is_told_at_once(
    tmp_path: Path, start: Any, options: tuple[str, ...], database: int, says: str
) -> None:
    with start(tmp_path, *options) as server:
        store = open_store(f"{server.url}?db={database}")
        with pytest.raises(JournalUnavailable, match=rf"no such database.*{says}") as caught:
            store.header("r").result()
        assert "could not be reached" not in str(caught.value)
        store.close()


def test_a_lost_connection_is_logged_and_one_that_never_was_is_only_an_error(
    own_valkey: Server, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(own_valkey.url, retry_for=0.2)
    store.header("r").result()
    own_valkey.kill()
    with pytest.raises(JournalUnavailable):
        store.header("r").result()
    store.close()
    assert [record.message[:36] for record in caplog.records] == [
        "no connection to the journal at redi"
    ]
    caplog.clear()
    store = open_store(own_valkey.url, retry_for=0.2)
    with pytest.raises(JournalUnavailable, match="Connection refused"):
        store.header("r").result()
    store.close()
    assert caplog.records == []


def test_a_replica_is_read_only(own_valkey: Server, tmp_path: Path) -> None:
    replicaof = ("--replicaof", f"127.0.0.1 {own_valkey.port}")
    with start_valkey(tmp_path / "replica", *replicaof, tcp=True) as replica:
        store = open_store(replica.url)
        with pytest.raises(JournalReadOnly, match="refuses writes"):
            store.acquire(opening()).result()
        assert store.header("r").result() is None
        store.close()


def test_a_full_server_is_read_only(own_valkey: Server, own_store: Store) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        client.config_set("maxmemory", 1)
        with pytest.raises(JournalReadOnly, match="memory"):
            own_store.append(lease, [ended()], seq=2).result()
        client.config_set("maxmemory", 0)
    own_store.append(lease, [ended()], seq=2).result()
    assert sequence(own_store) == [1, 2]


def test_something_else_than_redis_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.close()

        threading.Thread(target=greet, daemon=True).start()
        store = open_store(f"redis://127.0.0.1:{listener.getsockname()[1]}", retry_for=0.2)
        with pytest.raises(JournalUnavailable):
            store.header("r").result()
        store.close()
        listener.close()


def test_what_has_ended_expires(own_valkey: Server) -> None:
    store = open_store(own_valkey.url, retention=Retention(events=10, journal=20, header=30))
    lease = leased(store)
    with own_valkey.client() as client:
        for part in ("events", "inbox"):
            client.xadd(f"lcd:{{r}}:{part}", {"a": 1})
        parts = ("meta", "journal", "blobs", "events", "inbox")
        big = ended(payload=b"x" * 300_000)
        close = Close(status=RunStatus.FAILED)
        store.append(lease, [big], seq=2, close=close).result()
        assert [client.ttl(f"lcd:{{r}}:{part}") for part in parts] == [30, 20, 20, 10, 10]
        leased(store)
        assert [client.ttl(f"lcd:{{r}}:{part}") for part in parts] == [-1] * 5
        client.delete("lcd:{r}:journal")
    opened = store.acquire(opening(evict="me")).result()
    assert opened.verdict is Verdict.EXPIRED
    assert opened.header is not None
    assert not opened.header.journal_alive
    store.close()


def test_a_journal_that_vanished_is_not_begun_again(own_valkey: Server, own_store: Store) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        client.delete("lcd:{r}:journal")
        own_store.append(lease, [started()], seq=2)
        with pytest.raises(JournalGap, match=r"is gone.*evicted.*noeviction"):
            own_store.append(lease, [ended()], seq=3).result()
        assert not client.exists("lcd:{r}:journal")
    assert own_store.acquire(opening()).result().verdict is Verdict.EXPIRED


def test_an_attempt_of_a_server_that_was_flushed_is_told_so(
    own_valkey: Server, own_store: Store
) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        client.flushall()
    with pytest.raises(RunNotFound, match="FLUSHALL"):
        own_store.append(lease, [ended()], seq=2).result()
    with pytest.raises(RunNotFound, match="FLUSHALL"):
        own_store.renew(lease, 1000).result()
    assert own_store.acquire(opening()).result().verdict is Verdict.NEW


def test_an_attempt_whose_header_alone_was_lost_is_told_so(
    own_valkey: Server, own_store: Store
) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        client.delete("lcd:{r}:meta")
    with pytest.raises(JournalCorrupt, match="a journal without its header"):
        own_store.append(lease, [ended()], seq=2).result()
    with pytest.raises(JournalCorrupt, match="a journal without its header"):
        own_store.renew(lease, 1000).result()


@pytest.mark.parametrize(
    ("name", "fields"),
    [("2-0", {"foreign": "entry"}), ("9-1", {"h": "e-", "a": "1", "m": ""})],
)
def test_an_append_behind_a_foreign_entry_says_that_there_is_one(
    own_valkey: Server, own_store: Store, name: str, fields: dict[str, str]
) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        client.xadd("lcd:{r}:journal", dict(fields), id=name)
    own_store.append(lease, [started()], seq=2)
    with pytest.raises(JournalCorrupt, match="did not write"):
        own_store.append(lease, [ended()], seq=3).result()


def test_after_a_failover_neither_attempt_nor_seq_goes_back(
    own_valkey: Server, own_store: Store
) -> None:
    leased(own_store)
    leased(own_store, evict="me")
    with own_valkey.client() as client:
        client.hset("lcd:{r}:meta", mapping={"attempt": 1, "seq": 1})
        lease = leased(own_store, evict="me")
        assert (lease.attempt, lease.seq) == (3, 3)
        client.xtrim("lcd:{r}:journal", maxlen=1, approximate=False)
        client.hset("lcd:{r}:meta", mapping={"attempt": 7, "seq": 9})
    lease = leased(own_store, evict="me")
    assert (lease.attempt, lease.seq) == (8, 10)


def test_a_run_whose_header_has_no_fence_yet_goes_on(own_valkey: Server, own_store: Store) -> None:
    leased(own_store)
    with own_valkey.client() as client:
        assert client.hdel("lcd:{r}:meta", "born", "fence") == 2
    lease = leased(own_store, evict="me")
    own_store.append(lease, [ended()], seq=3).result()
    assert own_store.renew(lease, 1000).result() is False
    assert sequence(own_store) == [1, 2, 3]


def test_an_append_after_lost_records_is_a_gap(own_valkey: Server, own_store: Store) -> None:
    lease = leased(own_store)
    own_store.append(lease, [started(), ended()], seq=2).result()
    with own_valkey.client() as client:
        client.hset("lcd:{r}:meta", "seq", 1)
    with pytest.raises(JournalGap, match="lost records"):
        own_store.append(lease, [ended()], seq=4).result()
    with pytest.raises(JournalGap):
        own_store.append(lease, [ended()], seq=2).result()


def test_a_newer_format_is_refused(own_valkey: Server, own_store: Store) -> None:
    leased(own_store)
    with own_valkey.client() as client:
        client.hset("lcd:{r}:meta", "format", FORMAT + 1)
    assert own_store.acquire(opening()).result().verdict is Verdict.TOO_NEW
    for ticket in (own_store.header("r"), own_store.load("r"), own_store.cancel("r")):
        with pytest.raises(JournalTooNew, match="newer release"):
            ticket.result()
    assert list(own_store.headers().result()) == []


@pytest.mark.parametrize("key", ["meta", "journal", "blobs"])
def test_a_key_of_another_type_is_corrupt(own_valkey: Server, own_store: Store, key: str) -> None:
    lease = leased(own_store)
    big = ended(payload=b"x" * 300_000)
    own_store.append(lease, [big], seq=2).result()
    with own_valkey.client() as client:
        client.delete(f"lcd:{{r}}:{key}")
        client.set(f"lcd:{{r}}:{key}", "mine")
    with pytest.raises(JournalCorrupt):
        own_store.append(lease, [big], seq=3).result()
    with pytest.raises(JournalCorrupt):
        own_store.load("r").result()
    if key != "blobs":
        with pytest.raises(JournalCorrupt):
            own_store.acquire(opening(evict="me")).result()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "x"),
        ("format", None),
        ("attempt", ""),
        ("seq", None),
        ("seq", "1.5"),
        ("lease", "soon"),
        ("lease", "0x10"),
        ("reason", None),
        ("created", "9" * 19),
        ("updated", "-1"),
        ("status", "sleeping"),
        ("owner", None),
        ("created", "x"),
        ("version", b"\xff"),
    ],
)
def test_a_damaged_header_is_corrupt(
    own_valkey: Server, own_store: Store, name: str, value: str | bytes | None
) -> None:
    leased(own_store)
    with own_valkey.client() as client:
        client.hdel("lcd:{r}:meta", name)
        if value is not None:
            client.hset("lcd:{r}:meta", name, value)
    with pytest.raises(JournalCorrupt, match="damaged, or not ours"):
        own_store.header("r").result()
    assert own_store.headers().result() == []
    for _ in range(2):  # a refusal changes nothing, or the next call would be let in
        with pytest.raises(JournalCorrupt, match="damaged, or not ours"):
            own_store.acquire(opening(evict="me")).result()


@pytest.mark.parametrize(
    "fields",
    [
        {"foreign": "entry"},
        {"h": "e-", "a": "one", "m": ""},
        {"h": "?-", "a": "1", "m": ""},
        {"h": "", "a": "1", "m": ""},
        {"h": b"\xff", "a": "1", "m": ""},
        {"h": "e#", "a": "1", "m": "", "b": "nowhere"},
    ],
)
def test_a_foreign_entry_is_corrupt(
    own_valkey: Server, own_store: Store, fields: dict[str, str]
) -> None:
    leased(own_store)
    with own_valkey.client() as client:
        client.xadd("lcd:{r}:journal", fields, id="2-0")
    with pytest.raises(JournalCorrupt):
        own_store.load("r").result()


def test_a_journal_without_header_is_corrupt(own_valkey: Server, own_store: Store) -> None:
    leased(own_store)
    with own_valkey.client() as client:
        client.delete("lcd:{r}:meta")
    with pytest.raises(JournalCorrupt, match="without its header"):
        own_store.acquire(opening()).result()
    assert own_store.delete("r").result() is True


def test_a_stale_index_is_repaired_when_it_is_read(own_valkey: Server, own_store: Store) -> None:
    lease = leased(own_store)
    own_store.append(lease, [], seq=2, close=Close(status=RunStatus.PAUSED)).result()
    with own_valkey.client() as client:
        client.delete("lcd:runs:paused")
        client.zadd("lcd:runs:running", {"r": 1, "ghost": 2})
        assert list(own_store.headers(status=RunStatus.RUNNING).result()) == []
        assert not client.exists("lcd:runs:running")
        assert client.zrange("lcd:runs:paused", 0, -1) == [b"r"]


def test_a_run_whose_process_dies_before_it_does_anything_is_listed(
    own_valkey: Server, own_store: Store
) -> None:
    leased(own_store)  # and nothing more is sent
    other = open_store(own_valkey.url)
    deadline = time.monotonic() + 10
    while [header.run_id for header in other.headers().result()] != ["r"]:
        assert time.monotonic() < deadline, "the run is not listed"
    other.close()


def test_the_pool_of_a_client_is_used(own_valkey: Server) -> None:
    with redis.Redis.from_url(own_valkey.url, decode_responses=True, protocol=3) as client:
        store = open_store(client)
        lease = leased(store)
        store.append(lease, [ended()], seq=2).result()
        assert sequence(store) == [1, 2]
        assert [header.run_id for header in store.headers().result()] == ["r"]
        assert store.describe().result()["appendfsync"] == "always"
        store.close()
        assert client.ping()


def test_a_connection_that_reads_in_a_way_of_its_own_is_let_do_so(own_valkey: Server) -> None:
    class Own(redis.Connection):
        read = 0

        def read_response(self, *args: Any, **kwargs: Any) -> Any:
            Own.read += 1
            return super().read_response(*args, **kwargs)

    with redis.Redis.from_url(own_valkey.url, connection_class=Own) as client:
        store = open_store(client)
        lease = leased(store)
        before = Own.read
        for seq in range(2, 12):
            store.append(lease, [ended()], seq=seq).result()
        assert Own.read - before >= 10
        store.close()
