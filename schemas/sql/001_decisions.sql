-- Decisions, where the sink stands, and the evidence of contradictions.
--
-- Migrations only go forward and are never edited after a release: the runner compares hashes.
-- They run in the first schema of the search path, each in one transaction.

-- The order of the labels is the lattice: WHERE tier >= 'INTERNAL' means what it says.
CREATE TYPE lacuna_tier AS ENUM ('PUBLIC', 'INTERNAL', 'PROPRIETARY');

-- One row for each (event_id, revision); rows are inserted and never changed. Text columns hold
-- the first 512 bytes of what was said and U+FFFD for NUL; `decision` holds all of it, exactly.
CREATE TABLE decisions (
    origin_time      timestamptz NOT NULL,  -- Kafka timestamp of the request
    event_id         uuid        NOT NULL,
    revision         integer     NOT NULL,
    final            boolean     NOT NULL,  -- false: a later revision may follow
    tenant           text        NOT NULL,
    tier             lacuna_tier NOT NULL,
    confidence_ppm   integer     NOT NULL,  -- P(true tier <= tier), parts per million
    request_id       text,
    user_id          text,
    user_role        text,
    department       text,
    session          text,
    project          text,
    environment      text,
    purpose          text,
    resource         text,
    origin           text        NOT NULL,  -- identity of the log the request came from …
    origin_topic     text        NOT NULL,  -- … and its place there
    origin_partition integer     NOT NULL,
    origin_offset    bigint      NOT NULL,
    tags             text[]      NOT NULL,
    route            text[]      NOT NULL,  -- allowed destinations
    rules            text[]      NOT NULL,  -- rules that found something, each once
    entities         text[]      NOT NULL,  -- kinds of things found, each once
    stop             text        NOT NULL,  -- why no further tier ran
    engine           text        NOT NULL,
    pack_hash        bytea       NOT NULL,
    model_hash       bytea,
    decision_hash    bytea       NOT NULL,  -- SHA-256 of the DecisionCore
    decided_at       timestamptz NOT NULL,
    queued_us        bigint      NOT NULL,
    decide_us        bigint      NOT NULL,
    instance         text        NOT NULL,
    program_version  text        NOT NULL,
    trace_id         text,
    excerpt          text,                  -- redacted, when the pack asks for one
    findings         jsonb       NOT NULL,
    decision         bytea       NOT NULL,  -- value of the lineage record, framing included
    PRIMARY KEY (origin_time, event_id, revision)
) PARTITION BY RANGE (origin_time);

-- Every index is paid for by every row, so there are four. The primary key starts with the time
-- and so grows at its right edge; it also serves all queries for a span of time, which filter the
-- rest of the columns inside the partitions that remain. The two ids arrive in random order and
-- are only asked for equality: hash indexes cost the same as B-trees there (400,000 rows: 1.3 s
-- either way, 14 MB against 16 and 21) and don't mind long keys. "What did this person do" is the
-- one question of an audit that has no id and no span. Tags, rules and routes have no GIN index:
-- it would cost more than the row.
CREATE INDEX decisions_event_id ON decisions USING hash (event_id);
CREATE INDEX decisions_request_id ON decisions USING hash (request_id)
    WHERE request_id IS NOT NULL;
CREATE INDEX decisions_user ON decisions (user_id, origin_time) WHERE user_id IS NOT NULL;

-- For timestamps that no clock should have produced: see lacuna_make_partition().
CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;

-- A second decision for a key whose core differs from the stored one. Deciding is deterministic,
-- so each row here is a fault somewhere: it is kept, and the stricter tier counts (see the view).
CREATE TABLE decision_conflict (
    origin_time          timestamptz NOT NULL,
    event_id             uuid        NOT NULL,
    revision             integer     NOT NULL,
    decision_hash        bytea       NOT NULL,
    tier                 lacuna_tier NOT NULL,
    stored_decision_hash bytea       NOT NULL,
    seen_at              timestamptz NOT NULL DEFAULT now(),
    decision             bytea       NOT NULL,
    PRIMARY KEY (event_id, revision, decision_hash)
);

-- What readers should ask: the row, with the join of all tiers ever published for it.
CREATE VIEW decisions_joined AS
SELECT d.origin_time, d.event_id, d.revision, d.final, d.tenant,
       greatest(d.tier, c.tier) AS tier, d.tier AS stored_tier, coalesce(c.conflicts, 0) AS conflicts,
       d.confidence_ppm, d.request_id, d.user_id, d.user_role, d.department, d.session, d.project,
       d.environment, d.purpose, d.resource, d.origin, d.origin_topic, d.origin_partition,
       d.origin_offset, d.tags, d.route, d.rules, d.entities, d.stop, d.engine, d.pack_hash,
       d.model_hash, d.decision_hash, d.decided_at, d.queued_us, d.decide_us, d.instance,
       d.program_version, d.trace_id, d.excerpt, d.findings, d.decision
FROM decisions d
LEFT JOIN LATERAL (
    SELECT max(x.tier) AS tier, count(*)::integer AS conflicts
    FROM decision_conflict x
    WHERE x.event_id = d.event_id AND x.revision = d.revision
) c ON true;

-- Where the sink stands in each partition of the lineage topic: changed in the transaction that
-- inserts the rows, and only by the owner of the newest epoch. To read a recreated topic from its
-- start:  DELETE FROM sink_offset WHERE origin = '…' AND topic = '…';
CREATE TABLE sink_offset (
    origin        text        NOT NULL,
    topic         text        NOT NULL,
    partition     integer     NOT NULL,
    next_offset   bigint      NOT NULL DEFAULT 0,
    epoch         bigint      NOT NULL DEFAULT 0,
    owner         text        NOT NULL DEFAULT '',
    backend_pid   integer,     -- the owner's session, so that a successor can end it
    backend_start timestamptz,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin, topic, partition)
) WITH (fillfactor = 50);      -- room for the next version on the same page: HOT updates

-- Makes the month's partition if it is missing. True: it is there now. False: `at` lies before
-- 2020 or more than 13 months ahead; such rows stay in the default partition, because a client's
-- clock must not make thousands of tables. Rows of that month which the default partition already
-- holds move over. Attaching locks only the default partition, not the table.
CREATE FUNCTION lacuna_make_partition(at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' AS $$
DECLARE
    first timestamptz := date_trunc('month', at);
    next  timestamptz := date_trunc('month', at) + interval '1 month';
    part  text;
BEGIN
    IF at < '2020-01-01' OR first > now() + interval '13 months' THEN
        RETURN false;
    END IF;
    part := 'decisions_' || to_char(first, '"y"YYYY"m"MM');
    IF to_regclass(part) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('lacuna_make_partition', 0));
    IF to_regclass(part) IS NOT NULL THEN
        RETURN true;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE decisions INCLUDING DEFAULTS)', part);
    LOCK TABLE decisions_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH moved AS (DELETE FROM decisions_default WHERE origin_time >= %L'
                   ' AND origin_time < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                   first, next, part);
    EXECUTE format('ALTER TABLE decisions ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   part, first, next);
    RETURN true;
END $$;

-- This month and the `months` after it.
CREATE FUNCTION lacuna_make_partitions(months integer) RETURNS integer
LANGUAGE sql SET timezone = 'UTC' AS $$
    SELECT count(*)::integer
    FROM generate_series(0, least(greatest(months, 0), 12)) m
    WHERE lacuna_make_partition(date_trunc('month', now()) + m * interval '1 month')
$$;

-- SECURITY DEFINER must not look names up where a caller can plant them.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION lacuna_make_partition(timestamptz) SET search_path = %I, pg_temp',
                   current_schema());
    EXECUTE format('ALTER FUNCTION lacuna_make_partitions(integer) SET search_path = %I, pg_temp',
                   current_schema());
END $$;
REVOKE ALL ON FUNCTION lacuna_make_partition(timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION lacuna_make_partitions(integer) FROM PUBLIC;

-- Least privilege, where the migrating user may say so: GRANT lacuna_reader TO somebody. The
-- writer is what lacuna-sink needs: it can add decisions and can't change or remove one.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['lacuna_reader', 'lacuna_writer'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            END IF;
        EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
            RAISE NOTICE 'role % was not created', name;
        END;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'lacuna_reader') THEN
        GRANT SELECT ON decisions, decisions_joined, decision_conflict, sink_offset,
            lacuna_migration TO lacuna_reader;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'lacuna_writer') THEN
        GRANT SELECT, INSERT ON decisions, decision_conflict TO lacuna_writer;
        GRANT SELECT, INSERT, UPDATE ON sink_offset TO lacuna_writer;
        GRANT SELECT ON decisions_joined, lacuna_migration TO lacuna_writer;
        GRANT EXECUTE ON FUNCTION lacuna_make_partition(timestamptz) TO lacuna_writer;
        GRANT EXECUTE ON FUNCTION lacuna_make_partitions(integer) TO lacuna_writer;
    END IF;
END $$;
