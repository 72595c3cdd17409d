-- The same as postgres/00017_takers.sql.
-- +goose Up
-- Processes that take pings, each with its mark: all pings that arrived at it until then are committed. A deadline is judged
-- only when the marks of all that count have reached it.
CREATE TABLE takers (
    no          integer PRIMARY KEY AUTOINCREMENT,
    id          text NOT NULL UNIQUE,
    host        text NOT NULL,
    place       text NOT NULL,                      -- where it listens: of two at the same place the older one has ended
    role        text NOT NULL,                      -- serve, up, smtpd
    ways        text NOT NULL,                      -- how pings come: http, mail, or both with a blank between
    began_at    integer NOT NULL,                   -- it listens since
    mark_at     integer NOT NULL,
    seen_at     integer NOT NULL,                   -- its last write
    counts      integer NOT NULL DEFAULT 1          -- 0: silent for so long that nobody waits for it
) STRICT;

-- Times in which pings may have been lost, so that silence proves nothing.
CREATE TABLE blind_intervals (
    id          integer PRIMARY KEY,
    began_at    integer NOT NULL,
    ended_at    integer,                            -- null: it goes on
    ways        text NOT NULL,                      -- as of takers
    check_id    integer REFERENCES checks (id) ON DELETE CASCADE,   -- null: all checks
    taker       text,                               -- null: of the time before there were takers
    cause       text NOT NULL                       -- see monitor.Cause
) STRICT;
CREATE INDEX blind_intervals_all ON blind_intervals (ended_at) WHERE check_id IS NULL;
CREATE INDEX blind_intervals_check ON blind_intervals (check_id, ended_at) WHERE check_id IS NOT NULL;

-- Runs of which nobody can tell whether they happened.
CREATE TABLE unknown_runs (
    id           integer PRIMARY KEY AUTOINCREMENT, -- in signed links: never given again
    check_id     integer NOT NULL REFERENCES checks (id) ON DELETE CASCADE,
    due_at       integer NOT NULL,
    deadline_at  integer NOT NULL,
    blind_from   integer NOT NULL,
    blind_until  integer NOT NULL,
    cause        text NOT NULL,
    decided_at   integer NOT NULL,
    verdict      text NOT NULL DEFAULT '',          -- what people or late pings say of it: '', success, fail, missed
    verdict_by   text NOT NULL DEFAULT '',          -- who says so
    verdict_at   integer,
    notified_at  integer,                           -- all were told who are to be
    UNIQUE (check_id, deadline_at)
) STRICT;
CREATE INDEX unknown_runs_unreported ON unknown_runs (decided_at) WHERE notified_at IS NULL;

-- Who was told of which of them, by mail.
CREATE TABLE unknown_notices (
    run_id   integer NOT NULL REFERENCES unknown_runs (id) ON DELETE CASCADE,
    address  text NOT NULL,
    sent_at  integer NOT NULL,
    PRIMARY KEY (run_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX unknown_notices_address ON unknown_notices (address, sent_at);

-- The end of the interval of the last unknown run: the next run is expected from then on.
ALTER TABLE checks ADD COLUMN blind_until integer;
-- How the check was when a deadline passed that nobody has judged yet, '' = there is none; see monitor.Unjudged.
ALTER TABLE checks ADD COLUMN unjudged text NOT NULL DEFAULT '';

-- What was known of our own outages is kept. The table is renamed, so that workers of the version before fail instead of
-- judging without marks.
INSERT INTO blind_intervals (began_at, ended_at, ways, cause)
    SELECT seen, began_at, 'http', 'stopped'
    FROM (SELECT began_at, lag(seen_at) OVER (ORDER BY id) AS seen FROM presence) p
    WHERE began_at - seen > 30000000;
INSERT INTO blind_intervals (began_at, ways, cause) SELECT max(seen_at), 'http', 'stopped' FROM presence HAVING max(seen_at) IS NOT NULL;
ALTER TABLE presence RENAME TO presence_before_takers;

-- +goose Down
ALTER TABLE presence_before_takers RENAME TO presence;
ALTER TABLE checks DROP COLUMN unjudged;
ALTER TABLE checks DROP COLUMN blind_until;
DROP TABLE unknown_notices;
DROP TABLE unknown_runs;
DROP TABLE blind_intervals;
DROP TABLE takers;
DELETE FROM pings WHERE check_id < 0;
