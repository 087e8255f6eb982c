-- Statements of dag_rows.py: all that Airflow's login may read.

-- platforms --
-- Every platform that was ever deployed.
SELECT platform, original_platform_name, generation, stream_count, infrastructure_schedule FROM {platform} ORDER BY platform;

-- fingerprint --
-- What tells a platform's active rows from those of a moment ago, also where somebody changed one by hand.
SELECT %s::text AS platform, pg_catalog.count(*),
       pg_catalog.sum(pg_catalog.hashtextextended(stream_key || chr(10) || config_json, 0))::text
  FROM {airflow_dsg} WHERE status = %s

-- active_rows --
-- The rows of a platform that become DAGs.
SELECT %s::text AS platform, stream_key, config_json FROM {airflow_dsg} WHERE status = %s
