// The gRPC API from Go, with the generated stubs alone.
//
//	go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.34.2
//	go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.4.0
//	protoc -I ../../../proto --go_out=. --go-grpc_out=. \
//	  --go_opt=module=readings,Mtholos/v1/tholos.proto=readings/pb \
//	  --go-grpc_opt=module=readings,Mtholos/v1/tholos.proto=readings/pb tholos/v1/tholos.proto
//	go run . 127.0.0.1:9043 readings
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"readings/pb"
)

type readings struct {
	tholos   pb.TholosClient
	keyspace string
}

func text(v string) *pb.Value    { return &pb.Value{Kind: &pb.Value_Text{Text: v}} }
func integer(v int32) *pb.Value  { return &pb.Value{Kind: &pb.Value_Int{Int: v}} }
func double(v float64) *pb.Value { return &pb.Value{Kind: &pb.Value_Double{Double: v}} }
func list(v ...*pb.Value) *pb.Value {
	return &pb.Value{Kind: &pb.Value_List{List: &pb.Values{Values: v}}}
}

// All values of a request: length (4 bytes, big-endian; -1 null, -2 unset) and bytes.
func raw(values ...[]byte) []byte {
	var out []byte
	for _, value := range values {
		if value == nil {
			out = binary.BigEndian.AppendUint32(out, ^uint32(1)) // -2
			continue
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(value)))
		out = append(out, value...)
	}
	return out
}

func (r *readings) execute(request *pb.ExecuteRequest) (*pb.ExecuteResponse, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request.Keyspace = r.keyspace
	return r.tholos.Execute(ctx, request)
}

func query(text string, values ...*pb.Value) *pb.ExecuteRequest {
	return &pb.ExecuteRequest{Statement: &pb.ExecuteRequest_Query{Query: text}, Values: values}
}

func (r *readings) must(request *pb.ExecuteRequest) *pb.ExecuteResponse {
	response, err := r.execute(request)
	if err != nil {
		log.Fatal(err)
	}
	return response
}

func (r *readings) count(sensor string) int64 {
	named := text(sensor)
	named.Name = "sensor"
	response := r.must(query("SELECT count(*) FROM readings WHERE sensor = :sensor", named))
	return response.GetRows().Rows[0].Values[0].GetBigint()
}

func (r *readings) pages() int {
	request := query("SELECT number FROM readings WHERE sensor = 'batch'")
	request.PageSize = 3
	for pages := 1; ; pages++ {
		request.PagingState = r.must(request).GetRows().PagingState
		if len(request.PagingState) == 0 {
			return pages
		}
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: readings HOST:PORT KEYSPACE")
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	r := &readings{pb.NewTholosClient(connection), os.Args[2]}
	r.must(query("CREATE KEYSPACE IF NOT EXISTS " + r.keyspace +
		" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"))
	r.must(query("CREATE TABLE IF NOT EXISTS readings (sensor text, number int, value double, " +
		"tags set<text>, PRIMARY KEY (sensor, number))"))

	prepared, err := r.tholos.Prepare(context.Background(), &pb.PrepareRequest{
		Query:    "INSERT INTO readings (sensor, number, value, tags) VALUES (?, ?, ?, ?)",
		Keyspace: r.keyspace,
	})
	if err != nil {
		log.Fatal(err)
	}
	insert := &pb.ExecuteRequest_PreparedId{PreparedId: prepared.Id}
	r.must(&pb.ExecuteRequest{Statement: insert, Values: []*pb.Value{
		text("single"), integer(1), double(21.5), list(text("indoor"), text("new"))}})
	r.must(&pb.ExecuteRequest{Statement: insert, RawValues: raw([]byte("single"),
		binary.BigEndian.AppendUint32(nil, 2), binary.BigEndian.AppendUint64(nil, math.Float64bits(21.5)), nil)})
	fmt.Printf("values: %d rows\n", r.count("single"))

	batch := &pb.BatchRequest{Keyspace: r.keyspace}
	for number := int32(0); number < 10; number++ {
		batch.Statements = append(batch.Statements, &pb.BatchStatement{
			Statement: &pb.BatchStatement_PreparedId{PreparedId: prepared.Id},
			Values:    []*pb.Value{text("batch"), integer(number), double(float64(number)), {}},
		})
	}
	if _, err := r.tholos.Batch(context.Background(), batch); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("batch: %d rows\n", r.count("batch"))
	fmt.Printf("pages: %d\n", r.pages())

	_, err = r.execute(query("SELECT nothing FROM readings"))
	for _, each := range status.Convert(err).Details() {
		if detail, ok := each.(*pb.ErrorDetail); ok {
			fmt.Printf("error: %s at %d:%d\n", detail.Kind, detail.Line, detail.Column)
		}
	}
}
