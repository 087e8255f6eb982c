-- The staging path: a snapshot lies in a table, and one join finds the difference.

-- empty_staging --
-- Take out what an earlier batch left.
TRUNCATE {staging}

-- analyze_staging --
-- Tell the planner how many rows there are and how their keys are spread.
ANALYZE {staging} ({join_columns})

-- tune_join --
-- Room to sort in memory, and the join that sorted keys like best.
SELECT set_config('work_mem', '256MB', true), set_config('enable_hashjoin', 'off', true)

-- make_delta --
-- What changed, by key: I came, U has other values, D left. The row addresses hold under the lock on the merge table.
CREATE TEMPORARY TABLE {delta} ON COMMIT DROP AS
SELECT CASE WHEN m.ds_surf_target IS NULL THEN 'I' WHEN s.ds_surf_row IS NULL THEN 'D' ELSE 'U' END AS op,
       m.ds_surf_target AS target, s.ds_surf_row AS staged
  FROM (SELECT x.ctid AS ds_surf_row, {columns} FROM {staging} AS x) AS s
  FULL JOIN (SELECT x.ctid AS ds_surf_target, {columns} FROM {merge} AS x WHERE {open_rows}) AS m ON {same_key}
 WHERE m.ds_surf_target IS NULL OR s.ds_surf_row IS NULL
    OR (ROW({staged_values})::record *<> ROW({merge_values})::record
        AND ROW({staged_values})::text COLLATE "C" <> ROW({merge_values})::text COLLATE "C")

-- make_counted_delta --
-- What came (I) and what left (D) where rows may be alike: the first is the first on both sides, the second the second.
CREATE TEMPORARY TABLE {delta} ON COMMIT DROP AS
SELECT CASE WHEN m.ds_surf_target IS NULL THEN 'I' ELSE 'D' END AS op, m.ds_surf_target AS target, s.ds_surf_row AS staged
  FROM (SELECT ds_surf_row, ds_surf_text, row_number() OVER (PARTITION BY ds_surf_text) AS nth
          FROM (SELECT x.ctid AS ds_surf_row, sha256(convert_to(ROW({row_values})::text, 'UTF8')) AS ds_surf_text
                  FROM {staging} AS x) AS hashed) AS s
  FULL JOIN (SELECT ds_surf_target, ds_surf_text, row_number() OVER (PARTITION BY ds_surf_text) AS nth
               FROM (SELECT x.ctid AS ds_surf_target, sha256(convert_to(ROW({row_values})::text, 'UTF8')) AS ds_surf_text
                       FROM {merge} AS x WHERE {open_rows}) AS hashed) AS m
    ON s.ds_surf_text = m.ds_surf_text AND s.nth = m.nth
 WHERE m.ds_surf_target IS NULL OR s.ds_surf_row IS NULL

-- count_delta --
-- How many keys came, changed and left, and how many rows there were before.
SELECT count(*) FILTER (WHERE op = 'I'), count(*) FILTER (WHERE op = 'U'), count(*) FILTER (WHERE op = 'D'),
       (SELECT count(*) FROM {merge} AS x WHERE {open_rows})
  FROM {delta}

-- close_staged --
-- Forensic: close the open version of each row that was replaced or left.
UPDATE {merge} AS m SET ds_surf_batch_out = {batch_id} - 1 FROM {delta} AS d
 WHERE m.ctid = d.target AND d.op IN ('U', 'D')

-- insert_versions --
-- Forensic: open a version of each row that came or changed.
INSERT INTO {merge} ({columns}, ds_surf_batch_in, ds_surf_batch_out)
SELECT {staged_columns}, {batch_id}, {open} FROM {staging} AS s JOIN {delta} AS d ON s.ctid = d.staged
 WHERE d.op IN ('I', 'U')

-- remove_staged --
-- Live: remove each row that left.
DELETE FROM {merge} AS m USING {delta} AS d WHERE m.ctid = d.target AND d.op = 'D'

-- change_staged --
-- Live: give each changed row its new values and this batch's id.
UPDATE {merge} AS m SET {assignments}, ds_surf_batch_id = {batch_id}
  FROM {staging} AS s JOIN {delta} AS d ON s.ctid = d.staged
 WHERE m.ctid = d.target AND d.op = 'U'

-- insert_staged --
-- Live: add each row that came.
INSERT INTO {merge} ({columns}, ds_surf_batch_id)
SELECT {staged_columns}, {batch_id} FROM {staging} AS s JOIN {delta} AS d ON s.ctid = d.staged
 WHERE d.op = 'I'

-- drop_delta --
-- Make room for the next dataset of the batch.
DROP TABLE {delta}

-- count_staged --
-- Rows of one batch in the staging table.
SELECT count(*) FROM {staging} WHERE ds_surf_batch_id = {batch_id}

-- delete_staged --
-- Take the rows of one batch out of the staging table.
DELETE FROM {staging} WHERE ds_surf_batch_id = {batch_id}
