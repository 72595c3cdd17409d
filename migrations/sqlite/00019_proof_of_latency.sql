-- The same as postgres/00019_proof_of_latency.sql.
-- +goose Up
-- Until when all pings were known when the deadline was judged; null: no deadline was, as of a failure signal.
ALTER TABLE flips ADD COLUMN heard_at integer;
-- Nobody was to be told: a person has just brought it about.
ALTER TABLE flips ADD COLUMN silent integer NOT NULL DEFAULT 0;
-- What the other side answered to the last attempt, its host first: "mx.example.org 250 2.0.0 Ok: queued as 4bX".
ALTER TABLE deliveries ADD COLUMN answer text NOT NULL DEFAULT '';

-- Who was not told that a check went down, though the channel belonged to it, and why.
CREATE TABLE untold (
    flip_id     integer NOT NULL REFERENCES flips (id) ON DELETE CASCADE,
    channel_id  text NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    why         text NOT NULL,                      -- disabled, unverified, unwanted
    PRIMARY KEY (flip_id, channel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX untold_channel ON untold (channel_id);

-- While there is a row, and its end has not come, no alert of the instance is sent.
CREATE TABLE alert_hold (
    id          integer PRIMARY KEY CHECK (id = 1),
    began_at    integer NOT NULL,
    ends_at     integer,                -- null: when somebody says so
    held_by     text NOT NULL,
    note        text NOT NULL DEFAULT ''
) STRICT;

-- +goose Down
DROP TABLE alert_hold;
DROP TABLE untold;
ALTER TABLE deliveries DROP COLUMN answer;
ALTER TABLE flips DROP COLUMN silent;
ALTER TABLE flips DROP COLUMN heard_at;
