-- What the tour itself asks the databases: the source as its superuser, the views as their reader.

-- count_rows --
-- Rows of one table.
SELECT count(*) FROM {table};

-- make_reader_login --
-- A user of a workspace's reader role, as an installation's administrator would make it.
CREATE ROLE {user} LOGIN PASSWORD %(verifier)s IN ROLE {reader};

-- most_changed_key --
-- Of the keys with most versions the one whose columns took most different values.
WITH versions AS (SELECT {key}, count(*) AS n FROM {view} GROUP BY {key}),
     most AS (SELECT {key} FROM versions WHERE n = (SELECT max(n) FROM versions))
SELECT {key} FROM {view} JOIN most USING ({key}) GROUP BY {key} ORDER BY {distinct_values} DESC, {key} LIMIT 1;

-- versions_of_key --
-- All versions of one row, the columns as text.
SELECT valid_from_batch, valid_to_batch, {texts} FROM {view} WHERE ({key}) = ({values}) ORDER BY valid_from_batch;

-- hold_still --
-- Nobody writes to the table until this transaction ends.
LOCK TABLE {table} IN SHARE MODE;

-- widen_memory --
-- For the comparison, in this transaction.
SET LOCAL work_mem = '128MB';

-- make_room --
-- A place for the source's rows beside the views, of the view's own types.
CREATE TEMP TABLE source_rows ON COMMIT DROP AS SELECT {columns} FROM {view} WITH NO DATA;

-- rows_of_table --
-- The source's rows in the order of the view's columns.
SELECT {columns} FROM {table}

-- compare --
-- Rows of the view, those that the source has not, and those that only the source has; duplicates count.
SELECT (SELECT count(*) FROM {view}),
       (SELECT count(*) FROM (SELECT {columns} FROM {view} EXCEPT ALL SELECT {columns} FROM source_rows) AS a),
       (SELECT count(*) FROM (SELECT {columns} FROM source_rows EXCEPT ALL SELECT {columns} FROM {view}) AS b);

-- drop_room --
-- Make room for the next view's.
DROP TABLE source_rows;
