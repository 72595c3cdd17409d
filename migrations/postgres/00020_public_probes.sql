-- +goose Up
-- What became of asking our own public ping address, as a client would: from here, or by a peer. What arrives is recorded
-- as pings of a check of nobody, with the id 0; see store.ProbeCode.
CREATE TABLE public_probes (
    source      text NOT NULL PRIMARY KEY,          -- own, peer
    address     text NOT NULL,                      -- that was asked; after a change of it all begins anew
    asked_at    timestamptz NOT NULL,               -- begun last
    good_at     timestamptz,                        -- the last ping that arrived; null: none ever has
    failing_at  timestamptz,                        -- the first failure since then; null: it works, or never has
    error       text NOT NULL DEFAULT ''            -- why it failed last
);

-- +goose Down
DROP TABLE public_probes;
DELETE FROM checks WHERE id = 0;
UPDATE blind_intervals SET ended_at = began_at WHERE ended_at IS NULL AND cause = 'unreachable';
