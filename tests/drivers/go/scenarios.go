// The common scenarios through gocql.
package main

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gocql/gocql"
	"gopkg.in/inf.v0"
)

const keyspace = "golang"

type scenario struct {
	name string
	run  func() error
}

func cluster(version int, space string) *gocql.ClusterConfig {
	config := gocql.NewCluster(strings.Split(os.Getenv("THOLOS_HOSTS"), ",")...)
	config.Port, _ = strconv.Atoi(os.Getenv("THOLOS_PORT"))
	config.ProtoVersion = version
	config.Keyspace = space
	config.Consistency = gocql.Quorum
	config.Timeout = 20 * time.Second
	config.ConnectTimeout = 20 * time.Second
	config.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	return config
}

func with(version int, space string, body func(*gocql.Session) error) error {
	session, err := cluster(version, space).CreateSession()
	if err != nil {
		return err
	}
	defer session.Close()
	return body(session)
}

func freshTable(session *gocql.Session, name, columns string) error {
	if err := session.Query("DROP TABLE IF EXISTS " + name).Exec(); err != nil {
		return err
	}
	return session.Query("CREATE TABLE " + name + " (" + columns + ")").Exec()
}

func expectEqual(got, want any, what string) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
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
	// gocql 1 stops short of version 5.
	for _, version := range []int{3, 4} {
		err := with(version, keyspace, func(session *gocql.Session) error {
			if err := freshTable(session, "versions", "a int PRIMARY KEY, b text"); err != nil {
				return err
			}
			if err := session.Query("INSERT INTO versions (a, b) VALUES (?, ?)", 1, "x").Exec(); err != nil {
				return err
			}
			var b string
			if err := session.Query("SELECT b FROM versions WHERE a = ?", 1).Scan(&b); err != nil {
				return err
			}
			return expectEqual(b, "x", "value")
		})
		if err != nil {
			return fmt.Errorf("v%d: %w", version, err)
		}
	}
	return nil
}

func compression() error {
	config := cluster(4, keyspace)
	config.Compressor = &gocql.SnappyCompressor{}
	session, err := config.CreateSession()
	if err != nil {
		return err
	}
	defer session.Close()
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
			{"time", 23 * time.Hour}, {"duration", gocql.Duration{Months: 1, Days: 2, Nanoseconds: 3}},
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
			if err := session.Query("SELECT v FROM "+table+" WHERE k = 1").Scan(got.Interface()); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			if fmt.Sprint(got.Elem().Interface()) != fmt.Sprint(v.value) {
				return fmt.Errorf("%s: got %v, want %v", v.name, got.Elem().Interface(), v.value)
			}
		}
		return nil
	})
}

func collections() error {
	return with(4, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "coll", "k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>"); err != nil {
			return err
		}
		if err := session.Query("INSERT INTO coll (k, l, s, m) VALUES (?, ?, ?, ?)", 1, []int{3, 1}, []string{"b", "a"}, map[string]int{"x": 1}).Exec(); err != nil {
			return err
		}
		var l []int
		var s []string
		var m map[string]int
		if err := session.Query("SELECT l, s, m FROM coll WHERE k = 1").Scan(&l, &s, &m); err != nil {
			return err
		}
		return expectEqual(fmt.Sprint(l, s, m), "[3 1] [a b] map[x:1]", "collections")
	})
}

func batches() error {
	return with(4, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "batched", "p int, c int, PRIMARY KEY (p, c)"); err != nil {
			return err
		}
		for _, kind := range []gocql.BatchType{gocql.LoggedBatch, gocql.UnloggedBatch} {
			batch := session.NewBatch(kind)
			for i := 0; i < 20; i++ {
				batch.Query("INSERT INTO batched (p, c) VALUES (?, ?)", i%4, i)
			}
			if err := session.ExecuteBatch(batch); err != nil {
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
	return with(4, keyspace, func(session *gocql.Session) error {
		if err := freshTable(session, "paged", "p int, c int, PRIMARY KEY (p, c)"); err != nil {
			return err
		}
		if err := inFlight(5000, 100, func(i int) error {
			return session.Query("INSERT INTO paged (p, c) VALUES (?, ?)", i%10, i).Exec()
		}); err != nil {
			return err
		}
		iter := session.Query("SELECT p, c FROM paged").PageSize(333).Iter()
		seen, p, c := 0, 0, 0
		for iter.Scan(&p, &c) {
			seen++
		}
		if err := iter.Close(); err != nil {
			return err
		}
		return expectEqual(seen, 5000, "rows")
	})
}

func inFlight(count, width int, work func(int) error) error {
	var group sync.WaitGroup
	failure := make(chan error, width)
	for n := 0; n < width; n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := n; i < count; i += width {
				if err := work(i); err != nil {
					failure <- err
					return
				}
			}
		}()
	}
	group.Wait()
	close(failure)
	return <-failure
}

func aThousandInFlight() error {
	return with(4, keyspace, func(session *gocql.Session) error {
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

func rePrepared() error {
	return with(4, keyspace, func(session *gocql.Session) error {
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
				if err := expectEqual(len(row), 2+round, "columns"); err != nil {
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
	})
}

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
	failed := false
	for _, s := range []scenario{{"discovery", discovery}, {"protocol_versions", protocolVersions}, {"compression", compression},
		{"every_simple_type", everySimpleType}, {"collections", collections}, {"batches", batches}, {"paging", paging},
		{"a_thousand_in_flight", aThousandInFlight}, {"re_prepared_after_a_schema_change", rePrepared}, {"errors", serverErrors}} {
		started := time.Now()
		if err := s.run(); err != nil {
			failed = true
			fmt.Printf("not ok %s: %v\n", s.name, err)
			continue
		}
		fmt.Printf("ok %s (%.1f s)\n", s.name, time.Since(started).Seconds())
	}
	if failed {
		os.Exit(1)
	}
}
