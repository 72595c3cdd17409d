package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// adminTimeout bounds one CREATE or DROP DATABASE, on a machine busy with other packages' tests.
const adminTimeout = time.Minute

// databases hands out names of databases that no other test of the cluster has and keeps what templates exist.
type databases struct {
	mu        sync.Mutex
	last      int
	templates map[string]*template
}

type template struct {
	once sync.Once
	name string
	err  error
}

// DSN returns the postgres:// address of a database of this cluster, whether it exists or not. Everything that
// libpq's environment variables could change is spelled out in it.
func (c *Cluster) DSN(database string) string {
	query := url.Values{"host": {c.Dir}, "port": {port}, "sslmode": {"disable"}}
	return (&url.URL{
		Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: query.Encode(),
	}).String()
}

// CreateDatabase makes an empty database under a name no other has and returns its address.
func (c *Cluster) CreateDatabase() (dsn string, err error) {
	name, err := c.create("template1")
	if err != nil {
		return "", err
	}
	return c.DSN(name), nil
}

func (c *Cluster) create(template string) (name string, err error) {
	c.databases.mu.Lock()
	c.databases.last++
	name = fmt.Sprintf("test_%d", c.databases.last)
	c.databases.mu.Unlock()
	return name, c.admin("CREATE DATABASE " + name + " TEMPLATE " + template + " STRATEGY FILE_COPY")
}

func (c *Cluster) drop(name string) error {
	return c.admin("DROP DATABASE " + name + " WITH (FORCE)")
}

func (c *Cluster) template(key string, build func(dsn string) error) (name string, err error) {
	c.databases.mu.Lock()
	if c.databases.templates == nil {
		c.databases.templates = map[string]*template{}
	}
	t := c.databases.templates[key]
	if t == nil {
		t = &template{}
		c.databases.templates[key] = t
	}
	c.databases.mu.Unlock()

	t.once.Do(func() {
		// what the others see when it panics or ends its test
		t.err = fmt.Errorf("build did not return")
		t.name, t.err = c.create("template1")
		if t.err == nil {
			t.err = build(c.DSN(t.name))
		}
	})
	return t.name, t.err
}

// admin runs one statement on a connection of its own: CREATE and DROP DATABASE need one outside of any transaction
// and of the database they are about.
func (c *Cluster) admin(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("connecting to the test cluster: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
