-- What a batch does to a merge table. Every statement's row count is compared with the delta's.

-- make_keys --
-- A table for the keys of rows that a batch replaces or removes; it goes with the transaction.
CREATE TEMPORARY TABLE {keys} ON COMMIT DROP AS SELECT {key_columns} FROM {merge} LIMIT 0

-- make_changes --
-- A table for the new values of rows that a batch changes; it goes with the transaction.
CREATE TEMPORARY TABLE {changes} ON COMMIT DROP AS SELECT {columns} FROM {merge} LIMIT 0

-- analyze --
-- Tell the planner how large what was just filled is, and how its keys are spread.
ANALYZE {table} ({key_columns})

-- close_versions --
-- Forensic: close the open version of each key that was replaced in this batch or left the snapshot.
UPDATE {merge} AS m SET ds_surf_batch_out = {batch_id} - 1 FROM {keys} AS k WHERE m.ds_surf_batch_out = {open} AND {same_key}

-- has_other_columns --
-- Whether a table has columns beyond the known ones.
SELECT EXISTS (SELECT FROM pg_attribute AS a
                WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
                  AND a.attname <> ALL (%(known)s::text[]))

-- keep_versions --
-- Forensic: a closed copy of the open version of each key whose content changes.
INSERT INTO {merge} ({columns}, ds_surf_batch_in, ds_surf_batch_out)
SELECT {old_columns}, m.ds_surf_batch_in, {batch_id} - 1
  FROM {changes} AS k JOIN {merge} AS m ON m.ds_surf_batch_out = {open} AND {same_key}

-- renew_versions --
-- Forensic: the open version in its place with its new values, valid from this batch on.
UPDATE {merge} AS m SET {assignments}, ds_surf_batch_in = {batch_id} FROM {changes} AS k
 WHERE m.ds_surf_batch_out = {open} AND {same_key}

-- remove_rows --
-- Live: remove the row of each key that left the snapshot.
DELETE FROM {merge} AS m USING {keys} AS k WHERE {same_key}

-- change_rows --
-- Live: give each changed row its new values and this batch's id.
UPDATE {merge} AS m SET {assignments}, ds_surf_batch_id = {batch_id} FROM {changes} AS k WHERE {same_key}

-- close_all_versions --
-- Forensic: close every open version, because the key is another one from this batch on.
UPDATE {merge} SET ds_surf_batch_out = {batch_id} - 1 WHERE ds_surf_batch_out = {open}

-- remove_all_rows --
-- Live: remove every row, because the key is another one from this batch on.
DELETE FROM {merge}

-- lock_merge --
-- Shut other writers out until the transaction ends; readers go on.
LOCK TABLE {merge} IN SHARE ROW EXCLUSIVE MODE

-- is_empty --
-- Whether the merge table has never held a row, or holds none.
SELECT NOT EXISTS (SELECT FROM {merge})

-- has_open_rows --
-- Whether the merge table holds a row of the present.
SELECT EXISTS (SELECT FROM {merge} WHERE {open_rows})

-- index_columns --
-- The columns of each index in its order; an index that is not there has no row.
SELECT x.relname::text, array_agg(a.attname::text ORDER BY k.place)
  FROM pg_class AS x
  JOIN pg_index AS i ON i.indexrelid = x.oid
 CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
 WHERE x.relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND x.relname = ANY (%(indexes)s::text[])
 GROUP BY x.relname

-- holds_more --
-- Whether a row of the present holds a value that a cast to the plan's type and back would change.
SELECT EXISTS (SELECT FROM {merge} AS m WHERE {open_rows} AND ({lost}))

-- make_unique_index --
-- The index by which rows are found; it also refuses two open rows of one key.
CREATE UNIQUE INDEX {index} ON {merge} ({key_columns}) WHERE {open_rows}

-- make_live_index --
-- The unique index that becomes the primary key of a live merge table.
CREATE UNIQUE INDEX {index} ON {merge} ({key_columns})

-- make_primary_key --
-- Declare the primary key by its index, which is there already: readers wait for no scan.
ALTER TABLE {merge} ADD CONSTRAINT {index} PRIMARY KEY USING INDEX {index}

-- make_hash_index --
-- The index of a dataset without a key: rows that are alike have one hash.
CREATE INDEX {index} ON {merge} (ds_surf_key_hash) WHERE {open_rows}

-- drop_primary_key --
-- Drop the primary key of a live merge table.
ALTER TABLE {merge} DROP CONSTRAINT IF EXISTS {index}

-- drop_index --
-- Drop the index on the key.
DROP INDEX IF EXISTS {qualified_index}

-- drop_not_null --
-- A column that is no longer of the key may be null.
ALTER TABLE {merge} ALTER COLUMN {column} DROP NOT NULL

-- set_not_null --
-- A column of a live key, where the index is no primary key.
ALTER TABLE {merge} ALTER COLUMN {column} SET NOT NULL

-- planner_walks_index --
-- Few keys in the order of the index: a nested loop reads each page once.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)

-- planner_decides --
-- Many keys: the planner knows best.
SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)


-- set_lock_timeout --
-- How long a statement of this transaction waits for a lock.
SELECT set_config('lock_timeout', {timeout}, true)

-- vacuum --
-- Free the room of old versions and learn what the table holds now.
VACUUM (ANALYZE) {merge}
