-- Statements of plan_store.py and dag_store.py.

-- find_table --
-- Whether a table of that exact name is in the schema.
SELECT pg_catalog.to_regclass(pg_catalog.format('%%I.%%I', %(schema)s::text, %(table)s::text)) IS NOT NULL;

-- read_plan --
-- The plan of one stream.
SELECT plan FROM {stream_plan} WHERE stream_key = %(stream_key)s;

-- read_plans_of_store --
-- The plans of every stream of a store: one, or one per dataset.
SELECT plan FROM {stream_plan} WHERE plan ->> 'store' = %(store)s ORDER BY stream_key;

-- read_plans --
-- The plans of all streams of a platform.
SELECT plan FROM {stream_plan} ORDER BY stream_key;

-- read_sources --
-- The sources of a platform's streams, each once.
SELECT DISTINCT plan -> 'source' FROM {stream_plan};

-- write_plans --
-- Store plans (a JSON array of records); a row whose plan is the same is not rewritten and keeps its revision.
INSERT INTO {stream_plan} AS stored (stream_key, plan, schema_hash, revision)
SELECT given.stream_key, given.plan, given.schema_hash, %(revision)s
  FROM pg_catalog.jsonb_to_recordset(%(rows)s::jsonb) AS given (stream_key text, plan jsonb, schema_hash text)
    ON CONFLICT (stream_key) DO UPDATE
   SET plan = excluded.plan, schema_hash = excluded.schema_hash, revision = excluded.revision
 WHERE stored.plan IS DISTINCT FROM excluded.plan OR stored.schema_hash IS DISTINCT FROM excluded.schema_hash
RETURNING stream_key;

-- remove_plans --
-- Remove the plans of streams that the model no longer has.
DELETE FROM {stream_plan} WHERE stream_key <> ALL (%(stream_keys)s::text[]) RETURNING stream_key;

-- read_platforms --
-- Every platform that was ever deployed.
SELECT platform, original_platform_name, generation, stream_count, infrastructure_schedule FROM {platform} ORDER BY platform;
