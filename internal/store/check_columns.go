package store

import (
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// checkColumn is a column of the table checks. All statements that read or write
// checks are made of checkTable when the program starts, so that a new column is
// a line there, a migration for each engine and a field of monitor.Check.
type checkColumn struct {
	name string
	role role
	in   reads
	field[monitor.Check]
}

// role says who writes a column.
type role int

const (
	// given: by the database, when the row is inserted.
	given role = iota
	// fixed: when the row is inserted, and never again.
	fixed
	// setting: by people and programs that change the check.
	setting
	// state: by each ping and by the watcher, and by changes of the check.
	state
	// hotOnly: by each ping alone. Nothing else reads it: it is zero elsewhere.
	hotOnly
)

// reads say which reads have a column. Reads of a whole check have all columns
// but those that are hotOnly; who records pings reads all that he writes.
type reads int

const (
	// applied: applying a ping needs to know it.
	applied reads = 1 << iota
	// inRows: rows of lists on pages show it.
	inRows
	// inObjects: objects of the API show it.
	inObjects
	// inStatus: the status at any time depends on it (monitor.Check.StatusAt).
	inStatus
	// inScrapes: metrics tell it, beside what inStatus is.
	inScrapes
	// inReports: reports tell it, beside what inStatus is.
	inReports
	// inWalls: walls show it, beside what inStatus is.
	inWalls
	// inJudging: a ping leaves it alone, unless a deadline has passed that nobody has judged.
	inJudging
	// inIndex: an index has it, so that writing it costs SQLite more, even when it has
	// not changed; see indexedOf.
	inIndex
)

// inLists are rows of pages and objects of the API.
const inLists = inRows | inObjects

// inOverviews are what lists across projects begin with.
const inOverviews = inScrapes | inReports | inWalls

// checkTable are the columns of checks.
var checkTable = []checkColumn{
	{"id", given, applied | inLists | inOverviews, bigint(func(c *monitor.Check) *int64 { return &c.ID })},
	{"code", fixed, applied | inLists | inScrapes | inReports, uuids(func(c *monitor.Check) *uuid.UUID { return &c.Code })},
	{"badge_key", fixed, inObjects, uuids(func(c *monitor.Check) *uuid.UUID { return &c.BadgeKey })},
	{"created_at", fixed, inObjects | inOverviews, times(func(c *monitor.Check) *time.Time { return &c.CreatedAt })},

	{"project_id", setting, applied | inReports | inWalls, uuidOrNull(func(c *monitor.Check) *uuid.UUID { return &c.ProjectID })},
	{"name", setting, inLists | inOverviews, texts(func(c *monitor.Check) *string { return &c.Name })},
	{"slug", setting, inLists | inReports, texts(func(c *monitor.Check) *string { return &c.Slug })},
	{"tags", setting, inLists | inStatus, texts(func(c *monitor.Check) *string { return &c.Tags })},
	{"description", setting, inObjects, texts(func(c *monitor.Check) *string { return &c.Description })},
	{"kind", setting, applied | inLists | inStatus, texts(func(c *monitor.Check) *string { return (*string)(&c.Kind) })},
	{"timeout_seconds", setting, applied | inLists | inStatus, seconds(func(c *monitor.Check) *time.Duration { return &c.Timeout })},
	{"grace_seconds", setting, applied | inLists | inStatus, seconds(func(c *monitor.Check) *time.Duration { return &c.Grace })},
	{"schedule", setting, applied | inLists | inStatus, texts(func(c *monitor.Check) *string { return &c.Schedule })},
	{"tz", setting, applied | inLists | inStatus, texts(func(c *monitor.Check) *string { return &c.TZ })},
	{"methods", setting, applied | inObjects, texts(func(c *monitor.Check) *string { return &c.Filter.Methods })},
	{"filter_subject", setting, applied | inObjects, bools(func(c *monitor.Check) *bool { return &c.Filter.Subject })},
	{"filter_body", setting, applied | inObjects, bools(func(c *monitor.Check) *bool { return &c.Filter.Body })},
	{"filter_http_body", setting, applied | inObjects, bools(func(c *monitor.Check) *bool { return &c.Filter.HTTPBody })},
	{"filter_default_fail", setting, applied | inObjects, bools(func(c *monitor.Check) *bool { return &c.Filter.DefaultFail })},
	{"start_kw", setting, applied | inObjects, texts(func(c *monitor.Check) *string { return &c.Filter.StartKW })},
	{"success_kw", setting, applied | inObjects, texts(func(c *monitor.Check) *string { return &c.Filter.SuccessKW })},
	{"failure_kw", setting, applied | inObjects, texts(func(c *monitor.Check) *string { return &c.Filter.FailureKW })},
	{"manual_resume", setting, applied | inObjects, bools(func(c *monitor.Check) *bool { return &c.ManualResume })},

	{"status", state, inLists | inStatus | inIndex, texts(func(c *monitor.Check) *string { return (*string)(&c.Status) })},
	{"n_pings", state, inObjects, bigint(func(c *monitor.Check) *int64 { return &c.NPings })},
	{"last_ping_at", state, inLists | inStatus, times(func(c *monitor.Check) *time.Time { return &c.LastPing })},
	{"last_start_at", state, inLists | inStatus, times(func(c *monitor.Check) *time.Time { return &c.LastStart })},
	{"last_start_rid", state, 0, nullUUIDs(func(c *monitor.Check) *uuid.NullUUID { return &c.LastStartRID })},
	{"last_duration_us", state, inLists | inScrapes, micros(func(c *monitor.Check) *time.Duration { return &c.LastDuration })},
	{"has_confirmation", state, inRows, bools(func(c *monitor.Check) *bool { return &c.HasConfirmation })},
	{"recent_runs", state, inLists, texts(func(c *monitor.Check) *string { return &c.RecentRuns })},
	{"ended_runs", hotOnly, 0, texts(func(c *monitor.Check) *string { return &c.EndedRuns })},
	{"schedule_error", state, inObjects | inStatus, texts(func(c *monitor.Check) *string { return &c.ScheduleError })},
	{"due_at", state, inLists | inStatus, times(func(c *monitor.Check) *time.Time { return &c.DueAt })},
	{"alert_at", state, inLists | inStatus, times(func(c *monitor.Check) *time.Time { return &c.AlertAt })},
	{"watch_at", state, inIndex, times(func(c *monitor.Check) *time.Time { return &c.WatchAt })},
	{"blind_until", state, inLists | inStatus | inJudging, times(func(c *monitor.Check) *time.Time { return &c.BlindUntil })},
	{"unjudged", state, inJudging, texts(func(c *monitor.Check) *string { return &c.Unjudged })},
	{"acted_at", state, inJudging, times(func(c *monitor.Check) *time.Time { return &c.ActedAt })},
}

// checkSet are some columns of checks, in the order of checkTable.
type checkSet struct{ columnSet[monitor.Check] }

func checksWith(has func(checkColumn) bool) checkSet {
	var columns []column[monitor.Check]
	for _, col := range checkTable {
		if has(col) {
			columns = append(columns, column[monitor.Check]{col.name, col.field})
		}
	}
	return checkSet{newColumnSet("c", columns)}
}

// What statements read and write of checks.
var (
	// A whole check.
	wholeCheck = checksWith(func(col checkColumn) bool { return col.role != hotOnly })
	// What applying a ping needs to know.
	hotCheck = checksWith(func(col checkColumn) bool { return col.role >= state || col.in&applied != 0 })
	// What a row of a list has. A project may have ten thousand checks, and half the
	// columns are half the time.
	rowCheck = checksWith(func(col checkColumn) bool { return col.in&inRows != 0 })
	// What an object of the API has.
	objectCheck = checksWith(func(col checkColumn) bool { return col.in&inObjects != 0 })
	// What the status at any time depends on, with the tags.
	statusCheck = checksWith(func(col checkColumn) bool { return col.in&inStatus != 0 })
	// What metrics tell.
	scrapeCheck = checksWith(func(col checkColumn) bool { return col.in&(inStatus|inScrapes) != 0 })
	// What reports tell.
	reportCheck = checksWith(func(col checkColumn) bool { return col.in&(inStatus|inReports) != 0 })
	// What walls show.
	wallCheck = checksWith(func(col checkColumn) bool { return col.in&(inStatus|inWalls) != 0 })

	// What a new check is stored with.
	newCheck = checksWith(func(col checkColumn) bool { return col.role != given && col.role != hotOnly })
	// What a change of a check stores.
	changedCheck = checksWith(func(col checkColumn) bool { return col.role == setting || col.role == state })
	// What pings and time change.
	stateOfCheck = checksWith(func(col checkColumn) bool { return col.role >= state })
	// What a ping changes where no deadline has passed that is yet to be judged.
	stateOfPing = checksWith(func(col checkColumn) bool { return col.role >= state && col.in&inJudging == 0 })
	// What pings and time change, without what indexes have.
	restOfState = checksWith(func(col checkColumn) bool { return col.role >= state && col.in&inIndex == 0 })
)
