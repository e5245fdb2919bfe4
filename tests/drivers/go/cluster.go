// What the scenarios share: sessions, tables, load, the nodes under them.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

const keyspace = "golang"

// Of the protocol, that the scenario spoke, and what it measured.
var (
	versions = map[int]bool{}
	notes    []string
)

func noteRate(what string, rows int, started time.Time) {
	notes = append(notes, fmt.Sprintf("%d rows %s, %.0f/s", rows, what, float64(rows)/time.Since(started).Seconds()))
}

var hosts = strings.Split(os.Getenv("THOLOS_HOSTS"), ",")

func port() int {
	number, _ := strconv.Atoi(os.Getenv("THOLOS_PORT"))
	return number
}

func cluster(version int, space string) *gocql.ClusterConfig {
	config := gocql.NewCluster(hosts...)
	config.Port = port()
	config.ProtoVersion = version
	config.Keyspace = space
	config.Consistency = gocql.Quorum
	config.Timeout = 20 * time.Second
	config.ConnectTimeout = 20 * time.Second
	config.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	return config
}

func use(config *gocql.ClusterConfig, body func(*gocql.Session) error) error {
	session, err := config.CreateSession()
	if err != nil {
		return err
	}
	defer session.Close()
	versions[config.ProtoVersion] = true
	return body(session)
}

func with(version int, space string, body func(*gocql.Session) error) error {
	return use(cluster(version, space), body)
}

func freshTable(session *gocql.Session, name, columns string) error {
	if err := session.Query("DROP TABLE IF EXISTS " + name).Exec(); err != nil {
		return err
	}
	return session.Query("CREATE TABLE " + name + " (" + columns + ")").Exec()
}

// All of them, in turn.
func run(session *gocql.Session, statements ...string) error {
	for _, statement := range statements {
		if err := session.Query(statement).Exec(); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func expectEqual(got, want any, what string) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

func control(words ...string) error {
	output, err := exec.Command(os.Getenv("THOLOS_CLUSTER"), words...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w %s", strings.Join(words, " "), err, output)
	}
	return nil
}

func waitFor(what string, condition func() bool) error {
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if condition() {
			return nil
		}
	}
	return errors.New("waited for: " + what)
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

// Which nodes the server said were up and down, through its events: the newest of each.
type hostEvents struct {
	mutex    sync.Mutex
	up, down map[string]bool
}

func (h *hostEvents) OnHostUp(event gocql.HostUpEvent) { h.note(event.Host, h.up, h.down) }

func (h *hostEvents) OnHostDown(event gocql.HostDownEvent) { h.note(event.Host, h.down, h.up) }

func (h *hostEvents) note(host *gocql.HostInfo, in, other map[string]bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	in[host.ConnectAddress().String()] = true
	delete(other, host.ConnectAddress().String())
}

// Waits for an event and forgets it.
func (h *hostEvents) seen(what string, in map[string]bool, host string) error {
	return waitFor(what+" "+host, func() bool {
		h.mutex.Lock()
		defer h.mutex.Unlock()
		seen := in[host]
		delete(in, host)
		return seen
	})
}

// Idempotent writes and reads at QUORUM while `body` disturbs the nodes: none may fail.
func underLoad(body func(*hostEvents) error) error {
	events := &hostEvents{up: map[string]bool{}, down: map[string]bool{}}
	config := cluster(5, keyspace)
	config.RetryPolicy = &gocql.SimpleRetryPolicy{NumRetries: 5}
	config.ReconnectInterval = time.Second
	config.Metadata.HostListener.HostStateChangeListener = events
	return use(config, func(session *gocql.Session) error {
		if err := run(session, "DROP KEYSPACE IF EXISTS goload",
			"CREATE KEYSPACE goload WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
			"CREATE TABLE goload.t (k int PRIMARY KEY, v int)"); err != nil {
			return err
		}
		var stop atomic.Bool
		var done atomic.Int64
		failed := make(chan error, 1)
		go func() {
			failed <- inFlight(4, 4, func(n int) error {
				for i := 1; !stop.Load(); i++ {
					key := n*1000 + i%50
					if err := session.Query("INSERT INTO goload.t (k, v) VALUES (?, ?)", key, i).Idempotent(true).Exec(); err != nil {
						return err
					}
					var v int
					if err := session.Query("SELECT v FROM goload.t WHERE k = ?", key).Idempotent(true).Scan(&v); err != nil {
						return err
					}
					if v != i {
						return fmt.Errorf("key %d: got %d, want %d", key, v, i)
					}
					done.Add(1)
				}
				return nil
			})
		}()
		disturbed := body(events)
		stop.Store(true)
		if err := <-failed; err != nil {
			return fmt.Errorf("an application error: %w", err)
		}
		if disturbed != nil {
			return disturbed
		}
		if done.Load() < 50 {
			return fmt.Errorf("only %d operations", done.Load())
		}
		return nil
	})
}

// Where the nodes have certificates.
func encrypted() *gocql.SslOptions {
	pool := x509.NewCertPool()
	if pem, err := os.ReadFile(os.Getenv("THOLOS_CERTIFICATES") + "/ca.pem"); err == nil {
		pool.AppendCertsFromPEM(pem)
	}
	return &gocql.SslOptions{Config: &tls.Config{RootCAs: pool, ServerName: "localhost"}, EnableHostVerification: true}
}
