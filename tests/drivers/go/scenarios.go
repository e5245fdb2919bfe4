// The common scenarios through gocql. Arguments: names of scenarios; none: all. With
// THOLOS_CERTIFICATES: those of passwords and TLS instead.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/apache/cassandra-gocql-driver/v2/lz4"
	"github.com/apache/cassandra-gocql-driver/v2/snappy"
	"gopkg.in/inf.v0"
)

type scenario struct {
	name string
	run  func() error
}

func discovery() error {
	return with(4, "", func(session *gocql.Session) error {
		if err := session.Query("DROP KEYSPACE IF EXISTS " + keyspace).Exec(); err != nil {
			return err
		}
		if err := session.Query("CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}").Exec(); err != nil {
			return err
		}
		seen := map[string]bool{}
		for i := 0; i < 300; i++ {
			iter := session.Query("SELECT host_id FROM system.local").Iter()
			var id gocql.UUID
			iter.Scan(&id)
			if err := iter.Close(); err != nil {
				return err
			}
			seen[id.String()] = true
		}
		return expectEqual(len(seen), 3, "nodes")
	})
}

func protocolVersions() error {
	for _, version := range []int{3, 4, 5} {
		err := with(version, keyspace, func(session *gocql.Session) error {
			if err := freshTable(session, "versions", "a int PRIMARY KEY, b text"); err != nil {
				return err
			}
			for i := 0; i < 50; i++ {
				text := strings.Repeat("x", i*100)
				if err := session.Query("INSERT INTO versions (a, b) VALUES (?, ?)", i, text).Exec(); err != nil {
					return err
				}
				var b string
				if err := session.Query("SELECT b FROM versions WHERE a = ?", i).Scan(&b); err != nil {
					return err
				}
				if b != text {
					return errors.New("another text")
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("v%d: %w", version, err)
		}
	}
	return nil
}

func compression() error {
	for _, one := range []struct {
		version    int
		compressor gocql.Compressor
	}{{3, snappy.SnappyCompressor{}}, {3, lz4.LZ4Compressor{}}, {4, snappy.SnappyCompressor{}}, {4, lz4.LZ4Compressor{}}, {5, lz4.LZ4Compressor{}}} {
		config := cluster(one.version, keyspace)
		config.Compressor = one.compressor
		err := use(config, func(session *gocql.Session) error {
			if err := freshTable(session, "squeezed", "a int PRIMARY KEY, b text"); err != nil {
				return err
			}
			for _, size := range []int{0, 1, 1000, 300000} {
				text := strings.Repeat("ab", size)
				if err := session.Query("INSERT INTO squeezed (a, b) VALUES (?, ?)", size, text).Exec(); err != nil {
					return err
				}
				var got string
				if err := session.Query("SELECT b FROM squeezed WHERE a = ?", size).Scan(&got); err != nil {
					return err
				}
				if got != text {
					return errors.New("another text")
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("v%d %s: %w", one.version, one.compressor.Name(), err)
		}
	}
	return nil
}

// The node that answered last.
type lastHost struct{ address string }

func (l *lastHost) ObserveQuery(_ context.Context, query gocql.ObservedQuery) {
	l.address = query.Host.ConnectAddress().String()
}

// The driver keeps its replicas to itself: they are derived here, from the nodes' tokens.
func tokenAware() error {
	return with(5, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "aware", "a int PRIMARY KEY, b int"); err != nil {
			return err
		}
		owners := map[int64]string{}
		for _, host := range session.GetHosts() {
			for _, token := range host.Tokens() {
				number, err := strconv.ParseInt(token, 10, 64)
				if err != nil {
					return err
				}
				owners[number] = host.ConnectAddress().String()
			}
		}
		ring := make([]int64, 0, len(owners))
		for token := range owners {
			ring = append(ring, token)
		}
		sort.Slice(ring, func(i, j int) bool { return ring[i] < ring[j] })
		if err := expectEqual(len(ring), 48, "tokens"); err != nil {
			return err
		}
		seen := map[string]bool{}
		for i := 0; i < 100; i++ {
			var write, read lastHost
			if err := session.Query("INSERT INTO aware (a, b) VALUES (?, ?)", i, i).Observer(&write).Exec(); err != nil {
				return err
			}
			var token int64
			if err := session.Query("SELECT token(a) FROM aware WHERE a = ?", i).Observer(&read).Scan(&token); err != nil {
				return err
			}
			at := sort.Search(len(ring), func(j int) bool { return ring[j] >= token })
			replicas := map[string]bool{}
			for ; len(replicas) < 2; at++ {
				replicas[owners[ring[at%len(ring)]]] = true
			}
			if !replicas[write.address] || !replicas[read.address] {
				return fmt.Errorf("key %d went to %s and %s, replicas are %v", i, write.address, read.address, replicas)
			}
			seen[write.address] = true
		}
		return expectEqual(len(seen), 3, "coordinators")
	})
}

func createReadUpdateDelete() error {
	return with(5, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "crud", "p int, c text, s text STATIC, v bigint, PRIMARY KEY (p, c)"); err != nil {
			return err
		}
		if err := session.Query("INSERT INTO crud (p, c, v) VALUES (?, ?, ?)", 1, "a", 1).Exec(); err != nil {
			return err
		}
		if err := session.Query("INSERT INTO crud (p, c, v) VALUES (:p, :c, :v)", gocql.NamedValue("p", 1),
			gocql.NamedValue("c", "b"), gocql.NamedValue("v", 2)).Exec(); err != nil {
			return fmt.Errorf("named values: %w", err)
		}
		if err := run(session, "UPDATE crud SET s = 'static' WHERE p = 1", "UPDATE crud SET v = 20 WHERE p = 1 AND c = 'b'",
			"DELETE FROM crud WHERE p = 1 AND c = 'a'"); err != nil {
			return err
		}
		if err := session.Query("INSERT INTO crud (p, c, v) VALUES (?, ?, ?)", 1, "b", gocql.UnsetValue).Exec(); err != nil {
			return err
		}
		rows, err := session.Query("SELECT c, s, v FROM crud WHERE p = ?", 1).Iter().SliceMap()
		if err != nil {
			return err
		}
		if err := expectEqual(fmt.Sprint(rows), "[map[c:b s:static v:20]]", "rows"); err != nil {
			return err
		}
		var v int64
		if err := session.Query("SELECT v FROM crud WHERE p = ?", 99).Scan(&v); !errors.Is(err, gocql.ErrNotFound) {
			return fmt.Errorf("a row that is not there: %v", err)
		}
		return nil
	})
}

func everySimpleType() error {
	return with(4, keyspace, func(session *gocql.Session) error {
		number, _ := new(big.Int).SetString("1"+strings.Repeat("0", 40), 10)
		values := []struct {
			name  string
			value any
		}{
			{"ascii", "a"}, {"bigint", int64(-1 << 63)}, {"blob", []byte{0, 255}}, {"boolean", true},
			{"decimal", *inf.NewDec(-1234500, 4)}, {"double", 1.5e300}, {"float", float32(0.25)}, {"int", -1 << 31},
			{"timestamp", time.UnixMilli(1769853600123).UTC()}, {"uuid", gocql.MustRandomUUID()}, {"text", "žluť"},
			{"varint", *number}, {"timeuuid", gocql.TimeUUID()}, {"smallint", int16(-32768)}, {"tinyint", int8(-128)},
			{"time", 23 * time.Hour}, {"inet", net.ParseIP("2001:db8::1")}, {"date", time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)}, {"duration", gocql.Duration{Months: 1, Days: 2, Nanoseconds: 3}},
		}
		for _, v := range values {
			table := "simple_" + v.name
			if err := freshTable(session, table, "k int PRIMARY KEY, v "+v.name); err != nil {
				return err
			}
			if err := session.Query("INSERT INTO "+table+" (k, v) VALUES (?, ?)", 1, v.value).Exec(); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			got := reflect.New(reflect.TypeOf(v.value))
			if err := session.Query("SELECT v FROM " + table + " WHERE k = 1").Scan(got.Interface()); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			if err := session.Query("INSERT INTO "+table+" (k, v) VALUES (?, ?)", 2, nil).Exec(); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			none := reflect.New(reflect.PointerTo(reflect.TypeOf(v.value)))
			if err := session.Query("SELECT v FROM " + table + " WHERE k = 2").Scan(none.Interface()); err != nil || !none.Elem().IsNil() {
				return fmt.Errorf("%s: null is %v, %w", v.name, none.Elem(), err)
			}
			if fmt.Sprint(got.Elem().Interface()) != fmt.Sprint(v.value) {
				return fmt.Errorf("%s: got %v, want %v", v.name, got.Elem().Interface(), v.value)
			}
		}
		return nil
	})
}

type address struct {
	Street string `cql:"street"`
	Number int    `cql:"number"`
}

func collectionsTuplesUserTypesVectors() error {
	return with(5, keyspace, func(session *gocql.Session) error {
		if err := run(session, "DROP TABLE IF EXISTS composed", "DROP TYPE IF EXISTS address",
			"CREATE TYPE address (street text, number int)",
			"CREATE TABLE composed (k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>, t tuple<int, text>, "+
				"a frozen<address>, v vector<float, 3>)"); err != nil {
			return err
		}
		home := address{"Main", 7}
		if err := session.Query("INSERT INTO composed (k, l, s, m, t, a, v) VALUES (?, ?, ?, ?, (?, ?), ?, ?)", 1, []int{3, 1},
			[]string{"b", "a"}, map[string]int{"x": 1}, 7, "x", home, []float32{0.5, 1, 2}).Exec(); err != nil {
			return err
		}
		if err := run(session, "UPDATE composed SET l = l + [4], s = s - {'a'}, m['z'] = 3 WHERE k = 1"); err != nil {
			return err
		}
		var l []int
		var s []string
		var m map[string]int
		var first int
		var second string
		var a address
		var v []float32
		if err := session.Query("SELECT l, s, m, t, a, v FROM composed WHERE k = 1").Scan(&l, &s, &m, &first, &second, &a, &v); err != nil {
			return err
		}
		return expectEqual(fmt.Sprint(l, s, m, first, second, a, v), "[3 1 4] [b] map[x:1 z:3] 7x{Main 7} [0.5 1 2]", "values")
	})
}

func batches() error {
	return with(5, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "batched", "p int, c int, PRIMARY KEY (p, c)"); err != nil {
			return err
		}
		for _, kind := range []gocql.BatchType{gocql.LoggedBatch, gocql.UnloggedBatch} {
			batch := session.Batch(kind)
			for i := 0; i < 20; i++ {
				batch.Query("INSERT INTO batched (p, c) VALUES (?, ?)", i%4, i)
			}
			if err := batch.Exec(); err != nil {
				return err
			}
		}
		var count int64
		if err := session.Query("SELECT count(*) FROM batched").Scan(&count); err != nil {
			return err
		}
		return expectEqual(count, int64(20), "rows")
	})
}

func paging() error {
	const partitions = 100
	count, err := strconv.Atoi(os.Getenv("THOLOS_PAGING_ROWS"))
	if err != nil {
		return err
	}
	each := count / partitions
	return with(5, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "paged", "p int, c int, PRIMARY KEY (p, c)"); err != nil {
			return err
		}
		started := time.Now()
		if err := inFlight(partitions, 20, func(p int) error {
			for start := 0; start < each; start += 100 {
				batch := session.Batch(gocql.UnloggedBatch)
				for c := start; c < start+100 && c < each; c++ {
					batch.Query("INSERT INTO paged (p, c) VALUES (?, ?)", p, c)
				}
				if err := batch.Exec(); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		noteRate("written", each*partitions, started)
		for _, size := range []int{5000, 777} {
			started = time.Now()
			iter := session.Query("SELECT p, c FROM paged").PageSize(size).Iter()
			seen, p, c := 0, 0, 0
			for iter.Scan(&p, &c) {
				seen++
			}
			if err := iter.Close(); err != nil {
				return err
			}
			if err := expectEqual(seen, each*partitions, "rows"); err != nil {
				return err
			}
			noteRate(fmt.Sprintf("in pages of %d", size), seen, started)
		}
		return nil
	})
}

func aThousandInFlight() error {
	return with(5, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "flight", "k int PRIMARY KEY, v text"); err != nil {
			return err
		}
		if err := inFlight(10000, 1000, func(i int) error {
			return session.Query("INSERT INTO flight (k, v) VALUES (?, ?)", i, strconv.Itoa(i)).Exec()
		}); err != nil {
			return err
		}
		return inFlight(10000, 1000, func(i int) error {
			var v string
			if err := session.Query("SELECT v FROM flight WHERE k = ?", i).Scan(&v); err != nil {
				return err
			}
			return expectEqual(v, strconv.Itoa(i), "value")
		})
	})
}

func rePreparedAfterASchemaChange() error {
	for _, version := range []int{4, 5} {
		if err := with(version, keyspace, func(session *gocql.Session) error {
			if err := freshTable(session, "grown", "k int PRIMARY KEY, v int"); err != nil {
				return err
			}
			if err := session.Query("INSERT INTO grown (k, v) VALUES (1, 2)").Exec(); err != nil {
				return err
			}
			for round := 0; round < 2; round++ {
				for i := 0; i < 6; i++ {
					row := map[string]any{}
					if err := session.Query("SELECT * FROM grown WHERE k = ?", 1).MapScan(row); err != nil {
						return err
					}
					if err := expectEqual(len(row), 2+round, fmt.Sprintf("columns, v%d", version)); err != nil {
						return err
					}
				}
				if round == 0 {
					if err := session.Query("ALTER TABLE grown ADD added text").Exec(); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// Prepared on a node that has then forgotten it.
func rePreparedAfterARestart() error {
	config := cluster(5, keyspace)
	config.Hosts = hosts[2:]
	config.HostFilter = gocql.WhiteListHostFilter(hosts[2])
	config.ReconnectInterval = time.Second
	return use(config, func(session *gocql.Session) error {
		if err := freshTable(session, "again", "k int PRIMARY KEY, v int"); err != nil {
			return err
		}
		insert := func(k int) error { return session.Query("INSERT INTO again (k, v) VALUES (?, ?)", k, k).Exec() }
		if err := insert(1); err != nil {
			return err
		}
		if err := errors.Join(control("stop", "3"), control("start", "3")); err != nil {
			return err
		}
		if err := waitFor("the node is back", func() bool {
			return session.Query("SELECT key FROM system.local").Exec() == nil
		}); err != nil {
			return err
		}
		if err := insert(2); err != nil {
			return err
		}
		var count int64
		if err := session.Query("SELECT count(*) FROM again").Scan(&count); err != nil {
			return err
		}
		return expectEqual(count, int64(2), "rows")
	})
}

func nodeKilledAndRestartedUnderLoad() error {
	return underLoad(func(events *hostEvents) error {
		if err := control("kill", "2"); err != nil {
			return err
		}
		if err := events.seen("DOWN", events.down, hosts[1]); err != nil {
			return err
		}
		if err := control("start", "2"); err != nil {
			return err
		}
		return events.seen("UP", events.up, hosts[1])
	})
}

func rollingRestart() error {
	return underLoad(func(events *hostEvents) error {
		for n, host := range hosts {
			if err := control("stop", strconv.Itoa(n+1)); err != nil {
				return err
			}
			if err := events.seen("DOWN", events.down, host); err != nil {
				return err
			}
			if err := control("start", strconv.Itoa(n+1)); err != nil {
				return err
			}
			if err := events.seen("UP", events.up, host); err != nil {
				return err
			}
		}
		return nil
	})
}

func secured(password string, ssl *gocql.SslOptions) error {
	for _, version := range []int{3, 4, 5} {
		config := cluster(version, "")
		config.Authenticator = gocql.PasswordAuthenticator{Username: "tholos", Password: password}
		config.SslOpts = ssl
		if err := use(config, func(session *gocql.Session) error {
			var name string
			if err := session.Query("SELECT cluster_name FROM system.local").Scan(&name); err != nil {
				return err
			}
			return expectEqual(name, "tholos", "cluster")
		}); err != nil {
			return err
		}
	}
	return nil
}

func wrongPassword() error {
	if err := secured("secret", nil); err != nil {
		return err
	}
	err := secured("wrong", nil)
	if err == nil || !strings.Contains(err.Error(), "incorrect") {
		return fmt.Errorf("not the error of a wrong password: %v", err)
	}
	return nil
}

func encryption() error { return secured("secret", encrypted()) }

func serverErrors() error {
	return with(4, keyspace, func(session *gocql.Session) error {
		for query, code := range map[string]int{"SELEKT 1": gocql.ErrCodeSyntax, "SELECT nope FROM system.local": gocql.ErrCodeInvalid,
			"CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}": gocql.ErrCodeAlreadyExists} {
			err := session.Query(query).Exec()
			var failure gocql.RequestError
			if !errors.As(err, &failure) || failure.Code() != code {
				return fmt.Errorf("%s: %v", query, err)
			}
		}
		return nil
	})
}

func main() {
	scenarios := []scenario{{"discovery", discovery}, {"protocol_versions", protocolVersions}, {"compression", compression},
		{"token_aware", tokenAware}, {"every_simple_type", everySimpleType},
		{"collections_tuples_user_types_vectors", collectionsTuplesUserTypesVectors},
		{"create_read_update_delete", createReadUpdateDelete}, {"batches", batches}, {"paging", paging},
		{"a_thousand_in_flight", aThousandInFlight}, {"re_prepared_after_a_schema_change", rePreparedAfterASchemaChange},
		{"errors", serverErrors}, {"node_killed_and_restarted_under_load", nodeKilledAndRestartedUnderLoad},
		{"rolling_restart", rollingRestart}, {"re_prepared_after_a_restart", rePreparedAfterARestart}}
	if os.Getenv("THOLOS_CERTIFICATES") != "" {
		scenarios = []scenario{{"wrong_password", wrongPassword}, {"tls", encryption}}
	}
	failed := false
	for _, s := range scenarios {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], s.name) {
			continue
		}
		clear(versions)
		notes = nil
		started := time.Now()
		if err := s.run(); err != nil {
			failed = true
			fmt.Printf("not ok %s: %s\n", s.name, strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		spoken := []string{}
		for _, version := range slices.Sorted(maps.Keys(versions)) {
			spoken = append(spoken, fmt.Sprintf("v%d", version))
		}
		fmt.Println(strings.TrimRight(fmt.Sprintf("ok %s [%s] (%.1f s) %s", s.name, strings.Join(spoken, " "),
			time.Since(started).Seconds(), strings.Join(notes, "; ")), " "))
	}
	if failed {
		os.Exit(1)
	}
}
