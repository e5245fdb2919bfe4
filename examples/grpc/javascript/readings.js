// The gRPC API from JavaScript, with the .proto file alone, read at run time.
//
//   npm install
//   node readings.js 127.0.0.1:9043 readings
const path = require("node:path");
const {promisify} = require("node:util");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const protobuf = require("protobufjs");

const [host, keyspace] = process.argv.slice(2);
const protos = process.env.THOLOS_PROTO || path.join(__dirname, "../../../proto");
const api = grpc.loadPackageDefinition(
    loader.loadSync("tholos/v1/tholos.proto", {includeDirs: [protos], keepCase: true, longs: Number})).tholos.v1;
const tholos = new api.Tholos(host, grpc.credentials.createInsecure());
const call = (name) => promisify(tholos[name].bind(tholos));

const execute = (query, fields = {}) => call("Execute")({query, keyspace, ...fields});
// A Value with one kind set.
const typed = (kind, value, name = "") => ({[kind]: value, name});

// All values of a request: length (4 bytes, big-endian; -1 null, -2 unset) and bytes.
function raw(...values) {
  return Buffer.concat(values.map((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === undefined ? -2 : value.length);
    return value === undefined ? length : Buffer.concat([length, value]);
  }));
}

function number32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function double(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

// The ErrorDetail in the trailer that google.rpc.Status travels in.
async function detailOf(error) {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => target.startsWith("google/protobuf/") ? target : path.join(protos, target);
  await root.load("tholos/v1/tholos.proto");
  const status = root.lookupType("tholos.v1.RpcStatus").decode(error.metadata.get("grpc-status-details-bin")[0]);
  const type = root.lookupType("tholos.v1.ErrorDetail");
  return type.toObject(type.decode(status.details[0].value), {enums: String});
}

async function count(sensor) {
  const answer = await execute(
      "SELECT count(*) FROM readings WHERE sensor = :sensor", {values: [typed("text", sensor, "sensor")]});
  return answer.rows.rows[0].values[0].bigint;
}

async function main() {
  await execute(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} ` +
                "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  await execute("CREATE TABLE IF NOT EXISTS readings " +
                "(sensor text, number int, value double, tags set<text>, PRIMARY KEY (sensor, number))");

  const insert = (await call("Prepare")({
    query: "INSERT INTO readings (sensor, number, value, tags) VALUES (?, ?, ?, ?)", keyspace})).id;
  const tags = {values: [typed("text", "indoor"), typed("text", "new")]};
  await execute(undefined, {
    prepared_id: insert,
    values: [typed("text", "single"), typed("int", 1), typed("double", 21.5), typed("list", tags)]});
  await execute(undefined, {
    prepared_id: insert, raw_values: raw(Buffer.from("single"), number32(2), double(21.5), undefined)});
  console.log(`values: ${await count("single")} rows`);

  await call("Batch")({keyspace, statements: Array.from({length: 10}, (_, number) => ({
    prepared_id: insert,
    values: [typed("text", "batch"), typed("int", number), typed("double", number), {}]}))});
  console.log(`batch: ${await count("batch")} rows`);

  let pages = 0;
  let state = Buffer.alloc(0);
  do {
    const answer = await execute(
        "SELECT number FROM readings WHERE sensor = 'batch'", {page_size: 3, paging_state: state});
    state = answer.rows.paging_state;
    ++pages;
  } while (state && state.length > 0);
  console.log(`pages: ${pages}`);

  try {
    await execute("SELECT nothing FROM readings");
  } catch (error) {
    const detail = await detailOf(error);
    console.log(`error: ${detail.kind} at ${detail.line}:${detail.column}`);
  }
  tholos.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
