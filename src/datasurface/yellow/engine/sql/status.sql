-- What an operator sees of the streams; read by the monitor's login, which may read nothing of the data.

-- is_installed --
-- Whether the control tables are there.
SELECT to_regclass(%(table)s) IS NOT NULL

-- read_streams --
-- Every stream of a platform with its last committed batch, the one that is open, and how long ago it was looked at.
SELECT p.stream_key, p.plan ->> 'store', p.plan ->> 'dataset', (p.plan ->> 'latency_seconds')::int,
       m.batch_id, m.batch_end_time, m.records_inserted, m.records_updated, m.records_deleted, m.total_records,
       c.checked_at,
       extract(epoch FROM clock_timestamp() - coalesce(c.checked_at, r.applied_at))::float8,
       u.batch_id, u.batch_status, u.state -> 'failure' ->> 'message'
  FROM {stream_plan} AS p
  LEFT JOIN {counter} AS c ON c.key = p.stream_key
  LEFT JOIN {metrics} AS m ON m.key = p.stream_key AND m.batch_id = c.batch_id
  LEFT JOIN {metrics} AS u ON u.key = p.stream_key AND u.batch_status <> 'committed'
  LEFT JOIN (SELECT revision, max(applied_at) AS applied_at FROM {revision}
              WHERE outcome IN ('applied', 'rolled back') GROUP BY revision) AS r ON r.revision = p.revision
 ORDER BY p.stream_key

-- may_read_dags --
-- Whether this login may see which streams are suspended; an installation's rights may be older than this question.
SELECT coalesce(has_table_privilege(to_regclass(%(table)s), 'SELECT'), false)

-- read_suspended --
-- Streams of the plan that run nowhere, because the installation's file says so.
SELECT stream_key FROM {airflow_dsg} WHERE status = 'inactive'

-- read_revisions --
-- The deployed revision, and a later one that was refused or waits.
(SELECT revision, outcome, applied_at, jsonb_array_length(findings) FROM {revision}
  WHERE outcome IN ('applied', 'rolled back') ORDER BY id DESC LIMIT 1)
UNION ALL
(SELECT revision, outcome, applied_at, jsonb_array_length(findings)
   FROM (SELECT * FROM {revision} ORDER BY id DESC LIMIT 1) AS latest WHERE outcome NOT IN ('applied', 'rolled back'))
