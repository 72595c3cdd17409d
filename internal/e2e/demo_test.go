package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// demoCheck is a check of a believable project.
type demoCheck struct {
	name, slug, tags string
	// a period as of time.ParseDuration, or an expression
	every  string
	grace  time.Duration
	status monitor.Status
	// since the last ping; of expressions: after the last occurrence
	ago  time.Duration
	took time.Duration
	// as monitor.AppendRun makes them
	runs string
	// e-mail, webhook, Pushover: "e", "ew", "ewp"
	channels string
}

const (
	day = 24 * time.Hour
	fit = "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
)

// demoChecks has every state a list can show. The checks that are up or late
// stay so for minutes.
var demoChecks = []demoCheck{
	{"Nightly Postgres backup", "db-backup-nightly", "prod db", "0 3 * * *", time.Hour, monitor.StatusUp, 24 * minute,
		24*minute + 11*time.Second, "uuuuuuuuluuuuuuuuuuuuuuluuuuuu", "e"},
	{"Renew TLS certificates", "certbot-renew", "prod web", "17 */12 * * *", 30 * minute, monitor.StatusUp, 8 * time.Second, 0,
		"luuuuuduuuuuuuuuuuuuduuduuuuuu", "ewp"},
	{"Sync invoices to ERP", "erp-invoice-sync", "billing prod", "15m", 5 * minute, monitor.StatusDown, 62 * minute, 0,
		"uuuuuluuuuuuludumuuuuuuduuuudd", "ew"},
	{"Rotate application logs", "logrotate", "infra", "24h", time.Hour, monitor.StatusUp, 9 * time.Hour, 2 * time.Second,
		"uuuuuuuduuuuuuuuuuuuuuuuuuuuul", "e"},
	{"Rebuild search index", "search-reindex", "web", "1h", 20 * minute, monitor.StatusUp, 64 * minute, 6*minute + 12*time.Second,
		"uuuuluuuuduuuuuuuuuuuuuuuuuuul", "ew"},
	{"Send weekly digest e-mails", "weekly-digest", "mail", "0 8 * * MON", 2 * time.Hour, monitor.StatusUp, 18 * minute, 18 * minute,
		"uuuuuuuduuuuuuluuluduuluuuuuuu", "ewp"},
	{"Import product catalogue", "catalog-import", "shop etl", "30m", 10 * minute, "started", 29 * minute, 4 * minute,
		"uuuuuuuulluuuuuuuuluuuuuuuuduu", "e"},
	{"Warm CDN cache", "cdn-warm", "web", "5m", 5 * minute, monitor.StatusUp, 2 * minute, 12 * time.Second, "uuuduuluuuuduuuuuuuuuuudluuuuu",
		"ew"},
	{"Raspberry Pi greenhouse", "pi-greenhouse", "home", "10m", 10 * minute, monitor.StatusUp, 7 * minute, 0, "uuuuuuuuuuuuuuuuuuuuulluuuuuuu",
		"ew"},
	{"Legacy FTP mirror", "ftp-mirror", "legacy", "24h", 6 * time.Hour, monitor.StatusPaused, 95 * day, 0, fit[:12], "ep"},
	{"Offsite restic backup", "restic-offsite", "prod db offsite", "Mon..Fri 01:30", 3 * time.Hour, monitor.StatusUp, 41 * minute, 41 * minute,
		"uuuuuuuuluuuuuuuuuuuuuuuuluudu", "ew"},
	{"Quarterly report build", "report-quarterly", "billing", "0 6 1 1,4,7,10 *", day, monitor.StatusNew, 0, 0, "", "e"},
	{"Prune Docker images", "docker-prune", "ci infra", "168h", day, monitor.StatusUp, 2 * day, 63 * time.Second,
		"uuuuuuuuuuuuuuuuuuduuuuuuuuuuu", "ew"},
	{"IoT gateway heartbeat", "iot-gw-riga", "home iot", "1m", 2 * minute, monitor.StatusDown, 11 * minute, 0,
		"uuuuuuuuuuuuuuuuuuuuuuuuuuuumm", "ewp"},
	{"Payroll export (SEPA)", "payroll-sepa", "billing prod", "30 5 L * *", 4 * time.Hour, monitor.StatusUp, 9 * time.Second, 9 * time.Second,
		"uuuuuuuuuuuuuuuuuuuluuuuuuuuuu", "ew"},
}

// seedDemo fills the first project of a user who has just signed up and returns
// the check with the longest story.
func seedDemo(t *testing.T, s *store.Store, address string) *monitor.Check {
	t.Helper()
	ctx := t.Context()
	user, err := s.UserByEmail(ctx, address)
	must(t, err)
	projects, err := s.ProjectsOf(ctx, user.ID)
	must(t, err)
	project := projects[0].Project
	project.Name = "Acme Production"
	must(t, testdb.PutProject(ctx, s, &project))
	first, err := testdb.ChecksOf(ctx, s, project.ID)
	must(t, err)
	_, err = s.DeleteCheck(ctx, first[0].Code)
	must(t, err)
	channels := demoChannels(t, s, project.ID)
	var story *monitor.Check
	for i, d := range demoChecks {
		c := d.check(t, project.ID, s.Now())
		c.CreatedAt = c.CreatedAt.Add(time.Duration(i) * time.Second)
		must(t, s.CreateCheck(ctx, &c, store.Channels{}))
		if i == 0 {
			recordStory(t, s, &c)
			story = &c
		}
		var ids []uuid.UUID
		for _, letter := range d.channels {
			ids = append(ids, channels[letter])
		}
		_, err := s.UpdateCheck(ctx, c.Code, func(e *store.CheckChange) error {
			n := e.NPings
			e.State = c.State
			e.Channels = &store.Channels{IDs: ids}
			// its pings are forgotten, but were
			e.NPings = n
			if n == 0 {
				e.NPings = int64(len(c.RecentRuns))
			}
			return nil
		})
		must(t, err)
	}
	return story
}

func demoChannels(t *testing.T, s *store.Store, project uuid.UUID) map[rune]uuid.UUID {
	t.Helper()
	own, err := s.ChannelsOf(t.Context(), project)
	must(t, err)
	ids := map[rune]uuid.UUID{'e': own[0].ID}
	for letter, c := range map[rune]monitor.Channel{
		'w': {Kind: "webhook", Name: "Incident bot",
			Config: `{"url_down":"https://hooks.example.org/down","url_up":"https://hooks.example.org/up"}`},
		'p': {Kind: "po", Name: "Night shift", Config: `{"user":"uQiRzpo4DXghDmr9QzzfQu27cmVRsG","priority_down":1,"priority_up":-1}`},
	} {
		c.ProjectID = project
		c.Verified = true
		must(t, s.CreateChannel(t.Context(), &c))
		ids[letter] = c.ID
	}
	return ids
}

// check is the check as it is at time now.
func (d *demoCheck) check(t *testing.T, project uuid.UUID, now time.Time) monitor.Check {
	t.Helper()
	c := monitor.NewCheck(project, now.Add(-100*day))
	c.Name = d.name
	c.Slug = d.slug
	c.Tags = d.tags
	c.Grace = d.grace
	c.TZ = "Europe/Riga"
	c.RecentRuns = d.runs
	c.LastDuration = d.took
	last := now.Add(-d.ago)
	switch period, err := time.ParseDuration(d.every); {
	case err == nil:
		c.Timeout = period
	case strings.Contains(d.every, ".."):
		c.Kind = schedule.OnCalendar
		c.Schedule = d.every
		last = occurrences(t, &c, now.Add(-d.took))[0].Add(d.ago)
	default:
		c.Kind = schedule.Cron
		c.Schedule = d.every
		last = occurrences(t, &c, now.Add(-d.took))[0].Add(d.ago)
	}
	c.Status = d.status
	if c.Status == "started" {
		c.Status = monitor.StatusUp
		c.LastStart = now.Add(-48 * time.Second)
	}
	if c.Status != monitor.StatusNew {
		c.LastPing = last
	}
	return c
}

// occurrences are the times before now when the check was due, newest first.
func occurrences(t *testing.T, c *monitor.Check, now time.Time) (times []time.Time) {
	t.Helper()
	plan, err := schedule.Parse(c.Kind, c.Schedule, c.TZ)
	must(t, err)
	for at, ok := plan.Next(now.Add(-100 * day)); ok && at.Before(now); at, ok = plan.Next(at) {
		times = append([]time.Time{at}, times...)
	}
	return times
}

// recordStory records the last nights of the backup: starts, successes with what
// they printed, and one night on which the disk was full.
func recordStory(t *testing.T, s *store.Store, c *monitor.Check) {
	t.Helper()
	var batch []*store.Arrival
	add := func(at time.Time, kind monitor.PingKind, rid uuid.UUID, exit *int, body string) {
		batch = append(batch, &store.Arrival{Code: c.Code, Ping: monitor.Ping{
			CreatedAt: at, Kind: kind, Scheme: "https", Method: "POST", UserAgent: "curl/7.88.1", RemoteAddr: "203.0.113.24",
			RID: uuid.NullUUID{UUID: rid, Valid: true}, ExitStatus: exit, Body: []byte(body),
		}})
	}
	nights := occurrences(t, c, s.Now().Add(-c.LastDuration))
	for i := 11; i >= 0; i-- {
		rid := uuid.New()
		took := c.LastDuration - time.Duration(i*7%5)*43*time.Second
		add(nights[i], monitor.PingStart, rid, nil, "")
		if i == 6 {
			full := 28
			add(nights[i].Add(3*minute), monitor.PingFail, rid, &full, "pg_dump: error: could not write to output file: No space left on device\n")
			add(nights[i].Add(190*minute), monitor.PingLog, uuid.New(), nil, "Moved the dumps of June to the archive, 212 GB free again.\n")
			continue
		}
		add(nights[i].Add(took), monitor.PingSuccess, rid, nil,
			fmt.Sprintf("dumped 17 tables, %d rows\nuploaded 41.%d GB to s3://acme-backups/nightly\npruned 1 old snapshot\n", 48_211_906-i*7919,
				9-i%9))
	}
	must(t, s.RecordPings(t.Context(), batch))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
