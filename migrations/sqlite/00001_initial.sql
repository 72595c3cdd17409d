-- The same schema as postgres/00001_initial.sql: times are microseconds since 1970 in UTC,
-- uuids are text, booleans 0 and 1 (DESIGN §4).
-- +goose Up
CREATE TABLE users (
    id              text NOT NULL PRIMARY KEY,
    email           text NOT NULL UNIQUE,           -- stored lower-case
    password_hash   text NOT NULL DEFAULT '',       -- '' = signs in by link only
    is_active       integer NOT NULL DEFAULT 1,
    is_superuser    integer NOT NULL DEFAULT 0,
    tz              text NOT NULL DEFAULT 'UTC',
    theme           text NOT NULL DEFAULT '',       -- '' = as the system, light, dark
    sort            text NOT NULL DEFAULT 'created',
    check_limit     integer NOT NULL DEFAULT 10000,
    ping_log_limit  integer NOT NULL DEFAULT 100,
    reports         text NOT NULL DEFAULT 'monthly',
    next_report_at  integer,
    nag_seconds     integer NOT NULL DEFAULT 0,
    next_nag_at     integer,
    totp_secret     text NOT NULL DEFAULT '',
    totp_step       integer NOT NULL DEFAULT 0,
    created_at      integer NOT NULL,
    last_login_at   integer,
    last_active_at  integer
) STRICT;

CREATE TABLE credentials (
    id          text NOT NULL PRIMARY KEY,
    user_id     text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        text NOT NULL,
    data        blob NOT NULL,
    created_at  integer NOT NULL
) STRICT;
CREATE INDEX credentials_user ON credentials (user_id);

CREATE TABLE login_tokens (
    token_hash  blob NOT NULL PRIMARY KEY,                  -- SHA-256 of the mailed token
    user_id     text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at  integer NOT NULL,
    expires_at  integer NOT NULL
) STRICT;
CREATE INDEX login_tokens_user ON login_tokens (user_id);

CREATE TABLE sessions (
    id_hash       blob NOT NULL PRIMARY KEY,                -- SHA-256 of the cookie's id
    user_id       text REFERENCES users (id) ON DELETE CASCADE,
    data          blob NOT NULL,
    user_agent    text NOT NULL DEFAULT '',
    remote_addr   text NOT NULL DEFAULT '',
    created_at    integer NOT NULL,
    last_used_at  integer NOT NULL,
    expires_at    integer NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE projects (
    id                text NOT NULL PRIMARY KEY,
    owner_id          text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name              text NOT NULL DEFAULT '',
    api_key           text NOT NULL DEFAULT '',     -- '' = none; else prefix.hmac, or a legacy key
    api_key_readonly  text NOT NULL DEFAULT '',
    ping_key          text UNIQUE,
    badge_key         text NOT NULL UNIQUE,
    show_slugs        integer NOT NULL DEFAULT 0,
    created_at        integer NOT NULL
) STRICT;
CREATE INDEX projects_owner ON projects (owner_id);
CREATE INDEX projects_api_key ON projects (api_key) WHERE api_key <> '';
CREATE INDEX projects_api_key_readonly ON projects (api_key_readonly) WHERE api_key_readonly <> '';

CREATE TABLE members (
    user_id                text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_id             text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    role                   text NOT NULL,           -- r, w, m
    created_at             integer NOT NULL,
    transfer_requested_at  integer,
    PRIMARY KEY (user_id, project_id)
) STRICT;
CREATE INDEX members_project ON members (project_id);

CREATE TABLE checks (
    id                   integer PRIMARY KEY,
    code                 text NOT NULL UNIQUE,
    project_id           text REFERENCES projects (id) ON DELETE CASCADE, -- null: made by the welcome page
    name                 text NOT NULL DEFAULT '',
    slug                 text NOT NULL DEFAULT '',
    tags                 text NOT NULL DEFAULT '',
    description          text NOT NULL DEFAULT '',
    created_at           integer NOT NULL,
    kind                 text NOT NULL DEFAULT 'simple',
    timeout_seconds      integer NOT NULL DEFAULT 86400,
    grace_seconds        integer NOT NULL DEFAULT 3600,
    schedule             text NOT NULL DEFAULT '',
    tz                   text NOT NULL DEFAULT 'UTC',
    methods              text NOT NULL DEFAULT '',
    manual_resume        integer NOT NULL DEFAULT 0,
    filter_subject       integer NOT NULL DEFAULT 0,
    filter_body          integer NOT NULL DEFAULT 0,
    filter_http_body     integer NOT NULL DEFAULT 0,
    filter_default_fail  integer NOT NULL DEFAULT 0,
    start_kw             text NOT NULL DEFAULT '',
    success_kw           text NOT NULL DEFAULT '',
    failure_kw           text NOT NULL DEFAULT '',
    badge_key            text NOT NULL UNIQUE,
    status               text NOT NULL DEFAULT 'new',
    n_pings              integer NOT NULL DEFAULT 0,
    last_ping_at         integer,
    last_start_at        integer,
    last_start_rid       text,
    last_duration_us     integer NOT NULL DEFAULT 0, -- 0 = unknown
    has_confirmation     integer NOT NULL DEFAULT 0,
    recent_runs          text NOT NULL DEFAULT '',  -- newest last, see monitor.RecentRuns
    schedule_error       text NOT NULL DEFAULT '',
    due_at               integer,
    alert_at             integer,                    -- the deadline
    watch_at             integer                     -- when the watcher looks next: at the deadline or before
) STRICT;
CREATE INDEX checks_project_slug ON checks (project_id, slug);
-- Pings move the deadline on, but not watch_at: no index changes with them.
CREATE INDEX checks_watch ON checks (watch_at) WHERE watch_at IS NOT NULL;
CREATE INDEX checks_orphan ON checks (created_at) WHERE project_id IS NULL;
CREATE INDEX checks_down ON checks (project_id, id) WHERE status = 'down'; -- “also down” in messages

CREATE TABLE pings (
    check_id     integer NOT NULL,                   -- a check of the table above; see the trigger
    n            integer NOT NULL,
    created_at   integer NOT NULL,
    kind         text NOT NULL,                     -- success, start, fail, log, ign
    scheme       text NOT NULL,
    method       text NOT NULL,
    ua           text NOT NULL,
    remote_addr  text,
    rid          text,
    exit_status  integer,
    body         blob,
    PRIMARY KEY (check_id, n)
) STRICT;

-- A foreign key would be looked up for every ping that arrives. The Recorder holds the write
-- lock when it inserts, so it is enough to take the pings along when the check goes.
-- +goose StatementBegin
CREATE TRIGGER checks_delete_pings BEFORE DELETE ON checks FOR EACH ROW
BEGIN
    DELETE FROM pings WHERE check_id = OLD.id;
END;
-- +goose StatementEnd

CREATE TABLE flips (
    id          integer PRIMARY KEY,
    check_id    integer NOT NULL REFERENCES checks (id) ON DELETE CASCADE,
    created_at  integer NOT NULL,
    old_status  text NOT NULL,
    new_status  text NOT NULL,
    reason      text NOT NULL DEFAULT ''            -- '', timeout, fail
) STRICT;
CREATE INDEX flips_check_created ON flips (check_id, created_at);

CREATE TABLE channels (
    id               text NOT NULL PRIMARY KEY,
    project_id       text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    kind             text NOT NULL,
    name             text NOT NULL DEFAULT '',
    config           text NOT NULL DEFAULT '{}',    -- JSON, its shape belongs to the kind
    verified         integer NOT NULL DEFAULT 1,
    disabled         integer NOT NULL DEFAULT 0,
    created_at       integer NOT NULL,
    last_notify_at   integer,
    last_latency_us  integer NOT NULL DEFAULT 0,
    last_error       text NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX channels_project ON channels (project_id);

CREATE TABLE check_channels (
    check_id    integer NOT NULL REFERENCES checks (id) ON DELETE CASCADE,
    channel_id  text NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    PRIMARY KEY (check_id, channel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_channels_channel ON check_channels (channel_id);

CREATE TABLE deliveries (
    id            integer PRIMARY KEY,
    code          text NOT NULL UNIQUE,             -- idempotency key, the same in every attempt
    flip_id       integer REFERENCES flips (id) ON DELETE CASCADE,   -- null: a test notification
    check_id      integer REFERENCES checks (id) ON DELETE CASCADE,  -- null: a test notification
    channel_id    text NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    status        text NOT NULL,                    -- pending, sent, failed
    attempts      integer NOT NULL DEFAULT 0,
    created_at    integer NOT NULL,
    next_try_at   integer NOT NULL,                 -- while an attempt is under way: the end of its lease
    leased_by     text,
    finished_at   integer,
    latency_us    integer NOT NULL DEFAULT 0,
    last_error    text NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (next_try_at, id) WHERE status = 'pending';
CREATE INDEX deliveries_order ON deliveries (check_id, channel_id, id) WHERE status = 'pending';
CREATE INDEX deliveries_check ON deliveries (check_id, created_at);
CREATE INDEX deliveries_channel ON deliveries (channel_id, created_at);
CREATE INDEX deliveries_flip ON deliveries (flip_id);
CREATE INDEX deliveries_failed ON deliveries (created_at) WHERE status = 'failed';

CREATE TABLE emails (
    id            integer PRIMARY KEY,
    message_id    text NOT NULL UNIQUE,             -- without the angle brackets
    kind          text NOT NULL,                    -- login, verify, alert, test, broken-channel, ...
    recipient     text NOT NULL,
    subject       text NOT NULL,
    headers       text NOT NULL DEFAULT '{}',       -- JSON object of extra headers
    body_text     text NOT NULL,
    body_html     text NOT NULL,
    status        text NOT NULL,                    -- queued, sent, failed, kept (no SMTP server is set)
    attempts      integer NOT NULL DEFAULT 0,
    created_at    integer NOT NULL,
    next_try_at   integer NOT NULL,                 -- while an attempt is under way: the end of its lease
    sent_at       integer,
    last_error    text NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX emails_queued ON emails (next_try_at, id) WHERE status = 'queued';
CREATE INDEX emails_created ON emails (created_at);
CREATE INDEX emails_recipient ON emails (recipient, created_at);

CREATE TABLE nodes (
    id          text NOT NULL PRIMARY KEY,
    role        text NOT NULL,                      -- serve, sendalerts, up, ...
    host        text NOT NULL,
    pid         integer NOT NULL,
    version     text NOT NULL,
    started_at  integer NOT NULL,
    seen_at     integer NOT NULL
) STRICT;
CREATE INDEX nodes_role_seen ON nodes (role, seen_at);

CREATE TABLE rate_limits (
    key         text NOT NULL PRIMARY KEY,
    tokens      real NOT NULL,
    updated_at  integer NOT NULL
) STRICT;
CREATE INDEX rate_limits_updated ON rate_limits (updated_at);

-- +goose Down
DROP TABLE rate_limits;
DROP TABLE nodes;
DROP TABLE emails;
DROP TABLE deliveries;
DROP TABLE check_channels;
DROP TABLE channels;
DROP TABLE flips;
DROP TABLE pings;
DROP TABLE checks;
DROP TABLE members;
DROP TABLE projects;
DROP TABLE sessions;
DROP TABLE login_tokens;
DROP TABLE credentials;
DROP TABLE users;
