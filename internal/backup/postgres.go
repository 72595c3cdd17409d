package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"punctual/internal/db"
)

// dump writes what pg_dump makes of the database to file, and reads it again.
func (c *Config) dump(ctx context.Context, file *os.File) error {
	server, err := c.serverMajor(ctx)
	if err != nil {
		return err
	}
	dump, err := c.program(ctx, "pg_dump", server, func(found tool) bool { return found.major >= server })
	if err != nil {
		return err
	}
	address, password, err := forLibpq(c.DatabaseURL)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, dump.path, "--format=custom", "--no-password", "--lock-wait-timeout=60s", "--dbname="+address)
	cmd.Stdout = file
	err = c.run(cmd, password)
	if err != nil {
		return err
	}
	restore, err := c.program(ctx, "pg_restore", dump.major, func(found tool) bool { return found.major >= dump.major })
	if err != nil {
		return fmt.Errorf("the backup cannot be checked: %w", err)
	}
	// To nowhere: it reads and unpacks all of it.
	return c.run(exec.CommandContext(ctx, restore.path, "--file="+os.DevNull, file.Name()), "")
}

func (c *Config) restorePostgres(ctx context.Context, file string) (Restored, error) {
	var result Restored
	server, err := c.emptyServer(ctx)
	if err != nil {
		return result, err
	}
	restore, contents, err := c.readable(ctx, file, server)
	if err != nil {
		return result, err
	}
	if !strings.Contains(contents, " goose_db_version ") || !strings.Contains(contents, " checks ") {
		return result, fmt.Errorf("%s is a dump of another program's database, not a backup of Punctual", file)
	}
	from := dumpedFrom(contents)
	if from > server {
		result.Notes = append(result.Notes, fmt.Sprintf(
			"The backup is of PostgreSQL %d, this server is %d: an older server may not understand all of it.", from, server))
	}
	list, err := c.wanted(contents)
	if err != nil {
		return result, err
	}
	defer os.Remove(list)
	address, password, err := forLibpq(c.DatabaseURL)
	if err != nil {
		return result, err
	}
	cmd := exec.CommandContext(ctx, restore.path, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
		"--no-tablespaces", "--no-password", "--use-list="+list, "--dbname="+address, file)
	err = c.run(cmd, password)
	if err != nil {
		return result, fmt.Errorf("nothing was restored: %w (pg_restore is of PostgreSQL %d, the server of %d, the backup of %d)",
			err, restore.major, server, dumpedFrom(contents))
	}
	return result, c.lookAtRestored(ctx, &result)
}

// lookAtRestored notes what stands between the restored database and a start.
func (c *Config) lookAtRestored(ctx context.Context, result *Restored) error {
	return c.withDB(ctx, func(d *db.DB) error {
		status, err := d.SchemaStatus(ctx, c.Migrations)
		if err != nil {
			return err
		}
		switch {
		case len(status.Differences) > 0 || status.Current > status.Target:
			result.Notes = append(result.Notes, status.Check().Error())
		case len(status.Pending) > 0:
			result.Notes = append(result.Notes,
				"The schema is an older one: run `punctual migrate` before the start, unless `punctual up` is what starts.")
		}
		return d.Analyze(ctx)
	})
}

// emptyServer is the version of the server, or an error where the database holds
// anything.
func (c *Config) emptyServer(ctx context.Context) (major int, err error) {
	err = c.withDB(ctx, func(d *db.DB) error {
		there, err := d.Relations(ctx)
		if err != nil {
			return err
		}
		if len(there) > 0 {
			return fmt.Errorf(
				"the database is not empty, nothing was changed: it has %s. Make a new one (createdb) and name it with PUNCTUAL_DATABASE_URL",
				some(there))
		}
		major, err = d.ServerMajor(ctx)
		return err
	})
	return major, err
}

// some names the first of many.
func some(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more tables", strings.Join(names[:few], ", "), len(names)-few)
}

func (c *Config) serverMajor(ctx context.Context) (major int, err error) {
	err = c.withDB(ctx, func(d *db.DB) error {
		major, err = d.ServerMajor(ctx)
		return err
	})
	return major, err
}

func (c *Config) withDB(ctx context.Context, use func(*db.DB) error) error {
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{MaxConns: 2})
	if err != nil {
		return err
	}
	return errors.Join(use(d), d.Close())
}

// readable finds a pg_restore that can read the file, best one of the server's
// own version, and returns its table of contents.
func (c *Config) readable(ctx context.Context, file string, server int) (tool, string, error) {
	var refused []int
	for {
		restore, err := c.program(ctx, "pg_restore", server, func(found tool) bool { return !slices.Contains(refused, found.major) })
		if err != nil && len(refused) > 0 {
			return tool{}, "",
				fmt.Errorf(
					"no pg_restore here can read %s, which a newer pg_dump has made or which is damaged: install the client programs of a newer "+
						"PostgreSQL, "+
						"or name their directory with PUNCTUAL_PG_BIN", file)
		}
		if err != nil {
			return tool{}, "", err
		}
		var contents bytes.Buffer
		cmd := exec.CommandContext(ctx, restore.path, "--list", file)
		cmd.Stdout = &contents
		err = c.run(cmd, "")
		if err == nil {
			return restore, contents.String(), nil
		}
		if ctx.Err() != nil {
			return tool{}, "", err
		}
		refused = append(refused, restore.major)
	}
}

// unwanted are entries of a dump that take more rights than a database of one's
// own gives, or that are there in an empty one.
var unwanted = regexp.MustCompile(
	`^\d+; \d+ \d+ (EXTENSION|COMMENT - EXTENSION|SCHEMA - public|COMMENT - SCHEMA public|ACL|DEFAULT ACL|PUBLICATION|SUBSCRIPTION|EVENT TRIGGER)\b`)

// wanted writes the table of contents without what is unwanted to a file, for
// pg_restore, and returns its path.
func (c *Config) wanted(contents string) (path string, err error) {
	file, err := os.CreateTemp("", draftPattern)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(contents) {
		if unwanted.MatchString(line) {
			continue
		}
		_, err = file.WriteString(line)
		if err != nil {
			break
		}
	}
	return file.Name(), errors.Join(err, file.Close())
}

// run runs one of PostgreSQL's programs. The password goes by the environment:
// everybody on the machine can see arguments.
func (c *Config) run(cmd *exec.Cmd, password string) error {
	cmd.Env = slices.Concat(c.Env, []string{"LC_ALL=C"})
	if password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(stderr.String())
	if text == "" {
		text = err.Error()
	}
	return fmt.Errorf("%s: %s", cmd.Path, strings.Join(strings.Split(text, "\n"), "; "))
}

// libpqParameters are those of a URL that PostgreSQL's own programs know. The
// others are of our driver or of the session, and they would refuse them.
var libpqParameters = []string{
	"host", "hostaddr", "port", "dbname", "user", "passfile", "channel_binding", "connect_timeout", "application_name", "keepalives",
	"keepalives_idle", "keepalives_interval", "keepalives_count", "sslmode", "sslnegotiation", "sslcompression", "sslcert", "sslkey",
	"sslrootcert", "sslcrl", "sslcrldir", "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version", "requirepeer", "krbsrvname",
	"gsslib",
	"gssencmode", "service", "servicefile", "target_session_attrs", "load_balance_hosts", "require_auth",
}

// errKeyPassword is the error about a secret that those programs take by an argument
// or not at all.
var errKeyPassword = errors.New(
	"sslpassword in PUNCTUAL_DATABASE_URL cannot be used for backups: pg_dump and pg_restore take it in their arguments only, " +
		"which everybody on the machine can read. Take the password off the key (openssl pkey -in KEY -out NEWKEY), keep the file readable by " +
		"its owner only, and name it with sslkey")

// forLibpq is the address of the database for PostgreSQL's own programs, without
// anything secret, and the password apart from it. It fails where there is another
// secret.
func forLibpq(databaseURL string) (address, password string, err error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", "", errors.New("PUNCTUAL_DATABASE_URL is no valid URL")
	}
	query := u.Query()
	if query.Has("sslpassword") {
		return "", "", errKeyPassword
	}
	password = query.Get("password")
	for name := range query {
		if !slices.Contains(libpqParameters, name) {
			query.Del(name)
		}
	}
	// libpq takes a plus for a plus
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	given, ok := u.User.Password()
	if ok {
		password = given
		u.User = url.User(u.User.Username())
	}
	return u.String(), password, nil
}

// dumpedFrom is the major version of the server that a dump is of, 0 when the
// table of contents does not say.
func dumpedFrom(contents string) int {
	_, after, _ := strings.Cut(contents, "Dumped from database version: ")
	return majorOf(after)
}
