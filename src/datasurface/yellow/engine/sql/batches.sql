-- The states of batches: docs/states.md draws them, batches.py says which moves there are.

-- add_stream --
-- Make the stream's row at its first look; batch 0 means that none is committed yet.
INSERT INTO {counter} (key, batch_id) VALUES (%(key)s, 0) ON CONFLICT (key) DO NOTHING

-- read_counter --
-- The last committed batch, the last look, run and mark; columns of marks may be missing until the tables are migrated.
SELECT c.batch_id, c.checked_at, c.run_id, c.result, to_jsonb(c) -> 'source_sign',
       (to_jsonb(c) ->> 'compared_in_full_at')::timestamptz, to_jsonb(c) ? 'source_sign'
  FROM {counter} AS c
 WHERE c.key = %(key)s

-- read_batch --
-- One batch of the stream.
SELECT batch_id, batch_status, state FROM {metrics} WHERE key = %(key)s AND batch_id = %(batch_id)s

-- start_batch --
-- Begin the batch, or begin it again; no row comes back when it is not in one of %(sources)s, nor when it is not the one
-- after the last committed batch: a standby that was promoted may be at an earlier one than the job has seen.
INSERT INTO {metrics} AS m (key, batch_id, batch_start_time, batch_status, run_id, state)
SELECT %(key)s, %(batch_id)s, clock_timestamp(), %(to)s, %(run_id)s, %(state)s
 WHERE %(batch_id)s - 1 = coalesce((SELECT batch_id FROM {counter} WHERE key = %(key)s), 0)
ON CONFLICT (key, batch_id) DO UPDATE
   SET batch_start_time = excluded.batch_start_time, batch_end_time = NULL, batch_status = excluded.batch_status,
       run_id = excluded.run_id, state = excluded.state
 WHERE m.batch_status = ANY (%(sources)s)
RETURNING batch_id

-- advance_batch --
-- Move one batch; no row comes back when it is not in one of %(sources)s.
UPDATE {metrics} SET batch_status = %(to)s, state = %(state)s
 WHERE key = %(key)s AND batch_id = %(batch_id)s AND batch_status = ANY (%(sources)s)
RETURNING batch_id

-- fail_batch --
-- Mark the batch as failed, or record one that failed before it started; a committed one is left alone.
INSERT INTO {metrics} AS m (key, batch_id, batch_start_time, batch_end_time, batch_status, run_id, state)
VALUES (%(key)s, %(batch_id)s, clock_timestamp(), clock_timestamp(), %(to)s, %(run_id)s, %(state)s)
ON CONFLICT (key, batch_id) DO UPDATE
   SET batch_end_time = excluded.batch_end_time, batch_status = excluded.batch_status, run_id = excluded.run_id,
       state = m.state || jsonb_build_object('failure', excluded.state -> 'failure')
 WHERE m.batch_status = ANY (%(sources)s)
RETURNING batch_id

-- commit_batch --
-- Close the batch with its counts; no row comes back when it is not in one of %(sources)s. Where the server's clock has
-- jumped back it ends no earlier than it began and than the batch before it: a history's times must not overlap.
UPDATE {metrics} AS m
   SET batch_status = %(to)s,
       batch_end_time = greatest(clock_timestamp(), m.batch_start_time,
                                 (SELECT p.batch_end_time FROM {metrics} AS p
                                   WHERE p.key = %(key)s AND p.batch_id = %(batch_id)s - 1)),
       records_inserted = %(inserted)s, records_updated = %(updated)s, records_deleted = %(deleted)s,
       total_records = %(total)s, state = %(state)s
 WHERE key = %(key)s AND batch_id = %(batch_id)s AND batch_status = ANY (%(sources)s)
RETURNING batch_id

-- advance_counter --
-- Say which batch is the last committed one; no row comes back when its predecessor is not.
UPDATE {counter}
   SET batch_id = %(batch_id)s, checked_at = %(checked_at)s, run_id = %(run_id)s, result = %(result)s
 WHERE key = %(key)s AND batch_id = %(batch_id)s - 1
RETURNING batch_id

-- record_look --
-- Say that the stream was looked at and equals its last committed batch.
UPDATE {counter} SET checked_at = %(checked_at)s, run_id = %(run_id)s, result = %(result)s WHERE key = %(key)s

-- record_mark --
-- Keep the sign of the snapshot that equals the merge tables, and when every row was last compared.
UPDATE {counter}
   SET source_sign = %(sign)s::jsonb, compared_in_full_at = coalesce(%(compared_in_full_at)s, compared_in_full_at)
 WHERE key = %(key)s

-- record_named_mark --
-- The same, with the number of this transaction in the sign.
UPDATE {counter}
   SET source_sign = %(sign)s::jsonb || jsonb_build_object('recorded_by', pg_current_xact_id()::text),
       compared_in_full_at = coalesce(%(compared_in_full_at)s, compared_in_full_at)
 WHERE key = %(key)s

-- forget_run --
-- Let the same run try again.
UPDATE {counter} SET run_id = NULL, result = NULL WHERE key = %(key)s AND result IS NOT NULL

-- forget_batch --
-- Take back a batch that did not commit and in which nothing is left to do.
DELETE FROM {metrics} WHERE key = %(key)s AND batch_id = %(batch_id)s AND batch_status = ANY (%(sources)s)

-- record_full_comparison --
-- Note in the last committed batch when its checksums were last computed anew from the source.
UPDATE {metrics} SET state = state || jsonb_build_object('compared_in_full_at', %(compared_at)s::text)
 WHERE key = %(key)s AND batch_id = %(batch_id)s AND batch_status = ANY (%(sources)s)
RETURNING batch_id

-- snapshot_time --
-- The time of the server's clock, by which every time of a stream is told.
SELECT clock_timestamp()
