"""Passwords and TLS through the Python driver, against nodes that ask for the one and offer the other."""
import os
import ssl
import subprocess
import sys
import time
import traceback

from cassandra import AuthenticationFailed
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, NoHostAvailable

try:
    from cassandra.io.libevreactor import LibevConnection as Connection
except Exception:
    from cassandra.io.asyncioreactor import AsyncioConnection as Connection

HOSTS = os.environ["THOLOS_HOSTS"].split(",")
PORT = int(os.environ["THOLOS_PORT"])
CERTIFICATES = os.environ["THOLOS_CERTIFICATES"]
VERSIONS = set()  # of the protocol, that the scenario spoke


def run(password="secret", version=5, tls=False, statement="SELECT cluster_name FROM system.local"):
    options = {}
    if password is not None:
        options["auth_provider"] = PlainTextAuthProvider("tholos", password)
    if tls:
        context = ssl.create_default_context(cafile=f"{CERTIFICATES}/ca.pem")
        options["ssl_context"] = context
        options["ssl_options"] = {"server_hostname": "localhost"}
    cluster = Cluster(HOSTS, port=PORT, protocol_version=version, connection_class=Connection, **options)
    VERSIONS.add(version)
    try:
        return cluster.connect().execute(statement).one()
    finally:
        cluster.shutdown()


def refused(**options):
    try:
        run(**options)
    except NoHostAvailable as error:
        if not all(isinstance(e, AuthenticationFailed) for e in error.errors.values()):
            raise
        return
    raise AssertionError("let in")


def right_password():
    for version in (3, 4, 5):
        assert run(version=version).cluster_name == "tholos"


def wrong_password():
    refused(password="wrong")


def no_password():
    refused(password=None)


def hashes_are_kept_not_passwords():
    stored = run(statement="SELECT salted_hash FROM system_auth.roles").salted_hash
    assert stored.startswith("scrypt$") and "secret" not in stored


def tls():
    for version in (3, 4, 5):
        assert run(version=version, tls=True).cluster_name == "tholos"


def large_results_over_tls():
    assert len(run(tls=True, statement="SELECT replication FROM system_schema.keyspaces")) == 1


def served_certificate():
    with open(f"{CERTIFICATES}/probe.pem", "w") as out:
        out.write(ssl.get_server_certificate((HOSTS[0], PORT)))
    return open(f"{CERTIFICATES}/probe.pem").read()


def certificates_are_read_again():
    before = served_certificate()
    subprocess.run([os.environ["THOLOS_MAKE_CERTIFICATES"], CERTIFICATES], check=True, capture_output=True)
    end = time.time() + 30
    while served_certificate() == before:
        assert time.time() < end, "still the old one"
        time.sleep(0.5)
    assert run(tls=True).cluster_name == "tholos"


failed = 0
for scenario in (right_password, wrong_password, no_password, hashes_are_kept_not_passwords, tls, large_results_over_tls,
                 certificates_are_read_again):
    VERSIONS.clear()
    started = time.time()
    try:
        scenario()
        versions = " ".join(f"v{v}" for v in sorted(VERSIONS))
        print(f"ok {scenario.__name__} [{versions}] ({time.time() - started:.1f} s)", flush=True)
    except Exception as error:
        failed += 1
        print(f"not ok {scenario.__name__}: {type(error).__name__} {str(error)[:300]}", flush=True)
        traceback.print_exc(file=sys.stderr)
sys.stdout.flush()
os._exit(1 if failed else 0)
