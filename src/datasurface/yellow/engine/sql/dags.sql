-- Statements of dag_store.py and platform_store.py.

-- write_dags --
-- Store rows (a JSON array of records); an equal row is not rewritten and keeps its generation.
INSERT INTO {airflow_dsg} AS stored (stream_key, config_json, status, generation)
SELECT given.stream_key, given.config_json, given.status, %(generation)s
  FROM pg_catalog.jsonb_to_recordset(%(rows)s::jsonb) AS given (stream_key text, config_json text, status text)
    ON CONFLICT (stream_key) DO UPDATE
   SET config_json = excluded.config_json, status = excluded.status, generation = excluded.generation,
       updated_at = pg_catalog.now()
 WHERE stored.config_json <> excluded.config_json OR stored.status <> excluded.status
RETURNING stream_key;

-- mark_removed --
-- Mark the rows of streams that the model no longer has; updated_at then says since when.
UPDATE {airflow_dsg}
   SET status = %(removed)s, generation = %(generation)s, updated_at = pg_catalog.now()
 WHERE stream_key <> ALL (%(stream_keys)s::text[]) AND status <> %(removed)s
RETURNING stream_key;

-- count_active --
-- How many rows a reader has to see.
SELECT pg_catalog.count(*) FROM {airflow_dsg} WHERE status = %(active)s;

-- read_generation --
-- The generation of a platform's rows; the row stays locked until the transaction ends.
SELECT generation FROM {platform} WHERE platform = %(platform_name)s FOR UPDATE;

-- write_platform --
-- Store a platform; an equal row is not rewritten.
INSERT INTO {platform} AS stored
       (platform, original_platform_name, generation, stream_count, infrastructure_schedule, plan)
VALUES (%(platform_name)s, %(original)s, %(generation)s, %(stream_count)s, %(schedule)s, %(plan)s)
    ON CONFLICT (platform) DO UPDATE
   SET original_platform_name = excluded.original_platform_name, generation = excluded.generation,
       stream_count = excluded.stream_count, infrastructure_schedule = excluded.infrastructure_schedule,
       plan = excluded.plan, updated_at = pg_catalog.now()
 WHERE (stored.original_platform_name, stored.generation, stored.stream_count, stored.infrastructure_schedule)
       <> (excluded.original_platform_name, excluded.generation, excluded.stream_count, excluded.infrastructure_schedule)
    OR stored.plan IS DISTINCT FROM excluded.plan
RETURNING platform;

-- read_schedule --
-- What a reader of the DAG rows acts on, beside the rows.
SELECT stream_count, infrastructure_schedule FROM {platform} WHERE platform = %(platform_name)s;

-- read_platform_plans --
-- What the last merge stored of every platform.
SELECT platform, plan FROM {platform} WHERE plan IS NOT NULL ORDER BY platform;

-- read_platforms_and_views --
-- What the last merge stored of every platform, of its views those of these names.
SELECT platform, pg_catalog.jsonb_set(plan - 'views', '{{views}}', coalesce(
           (SELECT pg_catalog.jsonb_agg(view) FROM pg_catalog.jsonb_array_elements(plan -> 'views') AS view
             WHERE view ->> 'name' = ANY (%(views)s::text[])), '[]'))
  FROM {platform} WHERE plan IS NOT NULL ORDER BY platform;
