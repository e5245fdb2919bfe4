"""The gRPC API from Python, with the generated stubs alone.

    pip install grpcio grpcio-tools
    python3 -m grpc_tools.protoc -I ../../../proto --python_out=. --grpc_python_out=. tholos/v1/tholos.proto
    python3 readings.py 127.0.0.1:9043 readings
"""
import struct
import sys

import grpc
from tholos.v1 import tholos_pb2 as pb
from tholos.v1 import tholos_pb2_grpc as rpc

host, keyspace = sys.argv[1:]
tholos = rpc.TholosStub(grpc.insecure_channel(host))


def execute(query=None, **fields):
    if query is not None:
        fields["query"] = query
    return tholos.Execute(pb.ExecuteRequest(keyspace=keyspace, **fields), timeout=10)


def raw(*values):
    """All values of a request: length (4 bytes, big-endian; -1 null, -2 unset) and bytes."""
    return b"".join(
        struct.pack(">i", -2) if value is ... else struct.pack(">i", len(value)) + value for value in values)


def detail_of(error):
    """The ErrorDetail in the trailer that google.rpc.Status travels in."""
    status, detail = pb.RpcStatus(), pb.ErrorDetail()
    status.ParseFromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    status.details[0].Unpack(detail)
    return detail


execute(f"CREATE KEYSPACE IF NOT EXISTS {keyspace} "
        "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
execute("CREATE TABLE IF NOT EXISTS readings "
        "(sensor text, number int, value double, tags set<text>, PRIMARY KEY (sensor, number))")

insert = tholos.Prepare(pb.PrepareRequest(
    query="INSERT INTO readings (sensor, number, value, tags) VALUES (?, ?, ?, ?)", keyspace=keyspace)).id
tags = pb.Values(values=[pb.Value(text="indoor"), pb.Value(text="new")])
execute(prepared_id=insert,
        values=[pb.Value(text="single"), pb.Value(int=1), pb.Value(double=21.5), pb.Value(list=tags)])
execute(prepared_id=insert, raw_values=raw(b"single", struct.pack(">i", 2), struct.pack(">d", 21.5), ...))


def count(sensor):
    page = execute("SELECT count(*) FROM readings WHERE sensor = :sensor",
                   values=[pb.Value(name="sensor", text=sensor)]).rows
    return page.rows[0].values[0].bigint


print(f"values: {count('single')} rows")

tholos.Batch(pb.BatchRequest(keyspace=keyspace, statements=[
    pb.BatchStatement(prepared_id=insert, values=[
        pb.Value(text="batch"), pb.Value(int=number), pb.Value(double=number), pb.Value()])
    for number in range(10)]))
print(f"batch: {count('batch')} rows")

pages, state = 0, b""
while pages == 0 or state:
    page = execute("SELECT number FROM readings WHERE sensor = 'batch'", page_size=3, paging_state=state).rows
    pages, state = pages + 1, page.paging_state
print(f"pages: {pages}")

try:
    execute("SELECT nothing FROM readings")
except grpc.RpcError as error:
    detail = detail_of(error)
    print(f"error: {pb.ErrorDetail.Kind.Name(detail.kind)} at {detail.line}:{detail.column}")
