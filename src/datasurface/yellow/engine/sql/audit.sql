-- What an audit asks. All of it reads one moment: a REPEATABLE READ snapshot of the merge database.

-- begin_audit --
-- No snapshot is taken before the tables are locked: one that is older than a rewritten table would find it empty.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- prepare_audit --
-- Wait for a table that is being altered, but not for ever, and sort with some memory.
SET LOCAL lock_timeout = '30s'; SET LOCAL work_mem = '64MB'

-- lock_for_reading --
-- Keep a table from being altered or dropped; batches go on.
LOCK TABLE {merge} IN ACCESS SHARE MODE

-- read_datasets --
-- Every dataset that a committed batch of the stream recorded.
SELECT DISTINCT dataset FROM {metrics}, jsonb_object_keys(state -> 'datasets') AS dataset
 WHERE key = %(key)s AND batch_status = 'committed'

-- read_ledger --
-- What counter and batches say of each other: counted and last committed batch, how many there are, open ones.
SELECT coalesce((SELECT batch_id FROM {counter} WHERE key = %(key)s), 0),
       coalesce(max(batch_id) FILTER (WHERE batch_status = 'committed'), 0),
       count(*) FILTER (WHERE batch_status = 'committed'),
       count(*) FILTER (WHERE batch_status <> 'committed'),
       coalesce(max(batch_id) FILTER (WHERE batch_status <> 'committed'), 0)
  FROM {metrics} WHERE key = %(key)s

-- find_gap --
-- The first committed batch whose predecessor is missing.
SELECT min(batch_id)
  FROM (SELECT batch_id, lag(batch_id, 1, 0) OVER (ORDER BY batch_id) AS previous
          FROM {metrics} WHERE key = %(key)s AND batch_status = 'committed') AS b
 WHERE batch_id <> previous + 1

-- find_wrong_totals --
-- Batches whose total is not the sum of what they recorded per dataset: how many, the first.
SELECT count(*), min(batch_id)
  FROM {metrics} AS b
 WHERE key = %(key)s AND batch_status = 'committed'
   AND total_records <> (SELECT coalesce(sum((value ->> 'rows')::bigint), 0) FROM jsonb_each(state -> 'datasets'))

-- find_wrong_counts --
-- Forensic: batches whose counts are not those of the versions they opened and closed: how many, the first.
SELECT count(*), min(b.batch_id)
  FROM {metrics} AS b
  LEFT JOIN (SELECT batch_id, sum(opened) AS opened, sum(closed) AS closed FROM ({versions}) AS v GROUP BY batch_id) AS v
    ON v.batch_id = b.batch_id
 WHERE b.key = %(key)s AND b.batch_status = 'committed' AND b.batch_id > %(after)s
   AND (coalesce(v.opened, 0) <> b.records_inserted + b.records_updated
        OR coalesce(v.closed, 0) <> b.records_updated + b.records_deleted)

-- count_versions --
-- How many versions each batch opened and closed in one table.
SELECT ds_surf_batch_in AS batch_id, count(*) AS opened, 0 AS closed FROM {merge} GROUP BY 1
UNION ALL
SELECT ds_surf_batch_out + 1, 0, count(*) FROM {merge} WHERE ds_surf_batch_out <> {open} GROUP BY 1

-- read_compared --
-- The last batch that was compared in full with its source, and when.
SELECT batch_id, (state ->> 'compared_in_full_at')::timestamptz FROM {metrics}
 WHERE key = %(key)s AND batch_status = 'committed' AND state ->> 'compared_in_full_at' IS NOT NULL
 ORDER BY batch_id DESC LIMIT 1

-- read_shapes --
-- Runs of batches that recorded a dataset in one shape (columns, key, algorithm): first, last, shape; null: left out.
SELECT batch_id, coalesce(lead(batch_id) OVER (ORDER BY batch_id) - 1, %(last)s), shape
  FROM (SELECT batch_id, shape, lag(shape) OVER (ORDER BY batch_id) AS previous
          FROM (SELECT batch_id, (state -> 'datasets' -> %(dataset)s::text) - 'rows' - 'checksum' AS shape
                  FROM {metrics}
                 WHERE key = %(key)s AND batch_status = 'committed' AND batch_id BETWEEN %(first)s AND %(last)s) AS r
       ) AS s
 WHERE shape IS DISTINCT FROM previous
 ORDER BY batch_id

-- read_recorded --
-- Rows and checksum of a dataset as each batch recorded them.
SELECT batch_id, (state -> 'datasets' -> %(dataset)s::text ->> 'rows')::bigint,
       state -> 'datasets' -> %(dataset)s::text ->> 'checksum'
  FROM {metrics}
 WHERE key = %(key)s AND batch_status = 'committed' AND batch_id BETWEEN %(first)s AND %(last)s
 ORDER BY batch_id

-- live_lines --
-- The rows of a live merge table in the columns and types of a batch.
SELECT {columns} FROM {merge} AS m

-- version_lines --
-- The versions that were valid in some batch of a run, each behind its interval, in the columns and types of the run.
SELECT m.ds_surf_batch_in, m.ds_surf_batch_out, {columns} FROM {merge} AS m
 WHERE m.ds_surf_batch_in <= {last} AND m.ds_surf_batch_out >= {first}

-- first_version --
-- The batch of the oldest version that is kept.
SELECT min(ds_surf_batch_in) FROM {merge}

-- check_live_ids --
-- Live: rows whose batch is not one of the committed ones.
SELECT count(*) FROM {merge} WHERE ds_surf_batch_id NOT BETWEEN 1 AND %(last)s

-- check_intervals --
-- Forensic: versions that end before they begin; that begin, or end, in no committed batch.
SELECT count(*) FILTER (WHERE ds_surf_batch_in > ds_surf_batch_out),
       count(*) FILTER (WHERE ds_surf_batch_in NOT BETWEEN 1 AND %(last)s),
       count(*) FILTER (WHERE ds_surf_batch_out <> {open} AND ds_surf_batch_out >= %(last)s)
  FROM {merge}

-- find_repeated_keys --
-- Keys with more than one row of the present: how many, and one of them as text.
SELECT count(*), min(key)
  FROM (SELECT min(({key_text}) COLLATE "C") AS key FROM {merge} AS m WHERE {open_rows} GROUP BY {key_columns}
        HAVING count(*) > 1) AS k

-- find_overlaps --
-- Forensic: versions that begin before an earlier one of their key has ended: how many, and one of the keys as text.
SELECT count(*), min(key COLLATE "C")
  FROM (SELECT {key_text} AS key, m.ds_surf_batch_in AS batch_in,
               max(m.ds_surf_batch_out) OVER (PARTITION BY {key_columns} ORDER BY m.ds_surf_batch_in, m.ds_surf_batch_out
                                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier_out
          FROM {merge} AS m WHERE m.ds_surf_batch_in BETWEEN {first} AND {last}) AS v
 WHERE earlier_out >= batch_in

-- record_audit --
-- Keep the verdict.
INSERT INTO {audit} (platform, stream_key, batch_id, ok, findings, "rows", compared_in_full_batch, compared_in_full_at)
VALUES (%(platform)s, %(stream_key)s, %(batch_id)s, %(ok)s, %(findings)s, %(rows)s, %(compared_in_full_batch)s,
        %(compared_in_full_at)s)
