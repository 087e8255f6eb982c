-- What the experiments do to their sources and ask of their servers.

-- draw_rows --
-- Number the rows of one in so many, which lie all over the table; the step decides which.
CREATE TEMP TABLE drawn ON COMMIT DROP AS
SELECT id, row_number() OVER (ORDER BY hashtextextended(id, 13), id) AS n FROM {table}
 WHERE mod(hashtextextended(id, 11) & 2147483647, %(parts)s) = mod(%(step)s, %(parts)s);

-- remove_drawn --
-- Remove a part of the rows that were drawn.
DELETE FROM {table} AS t USING drawn AS d WHERE t.id = d.id AND d.n BETWEEN %(first)s AND %(last)s;

-- change_drawn --
-- Give a part of the rows that were drawn another value.
UPDATE {table} AS t SET {column} = 'step ' || %(step)s || '-' || d.n
  FROM drawn AS d WHERE t.id = d.id AND d.n BETWEEN %(first)s AND %(last)s;

-- add_drawn --
-- As many rows as were removed come back under keys that were never there.
INSERT INTO {table} ({columns})
SELECT 'S' || lpad(%(step)s::text, 5, '0') || lpad(d.n::text, 9, '0'), {others}
  FROM {table} AS t JOIN drawn AS d ON t.id = d.id WHERE d.n BETWEEN %(first)s AND %(last)s;

-- drop_drawn --
-- Make room for the next table's.
DROP TABLE drawn;

-- flush_statistics --
-- What this session's tables went through is known only once it is written down.
SELECT pg_stat_clear_snapshot();

-- worth_vacuum --
-- Tables that autovacuum would find worth its while by its own rule, at its default settings.
SELECT schemaname, relname FROM pg_stat_user_tables
 WHERE n_dead_tup > 50 + 0.2 * greatest(n_live_tup, 0) OR n_ins_since_vacuum > 1000 + 0.2 * greatest(n_live_tup, 0);

-- vacuum --
-- What autovacuum would do, at a time of our choice.
VACUUM (ANALYZE) {table};

-- sizes --
-- Bytes of a merge table and of its indexes, its rows of the present and its versions that ended.
SELECT pg_table_size({name}), pg_indexes_size({name}),
       count(*) FILTER (WHERE {is_open}), count(*) FILTER (WHERE NOT ({is_open})) FROM {merge};

-- copy_merge --
-- An installation's merge database as it is, under another name.
CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy;

-- copy_rights --
-- CREATE DATABASE leaves out the rights on the database itself.
UPDATE pg_database SET datacl = t.datacl FROM pg_database AS t
 WHERE pg_database.datname = %(name)s AND t.datname = %(template)s;

-- wal_position --
-- Where the server's log is.
SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint;

-- fill_wide --
-- A key and as many columns of short text as there are expressions.
INSERT INTO {table} SELECT 'W' || lpad(i::text, 9, '0'), {values} FROM generate_series(1, %(rows)s) AS i;

-- wide_value --
-- One of them; every eleventh is null.
CASE WHEN (i + {n}) %% 11 <> 0 THEN 'v' || (i * 7919 + {n}) %% 100003 END

-- fill_long --
-- Rows of about one kilobyte that no compression makes shorter by much.
INSERT INTO {table}
SELECT 'L' || lpad(i::text, 9, '0'), 'title ' || i,
       (SELECT string_agg(md5(i::text || '-' || part), '') FROM generate_series(1, 30) AS part)
  FROM generate_series(1, %(rows)s) AS i;

-- fill_flights --
-- A year of departures: a key of seven columns, of which no smaller part is one.
INSERT INTO {table}
SELECT 'F' || lpad((i / 60)::text, 7, '0'), 2013, 1 + i / 60 %% 12, 1 + i / 720 %% 28,
       (ARRAY['UA', 'AA', 'B6', 'DL', 'EV', 'MQ'])[1 + i %% 6], 1 + i %% 60,
       (ARRAY['EWR', 'JFK', 'LGA'])[1 + i %% 3], (i %% 97 - 20)::numeric(6,2), 'N' || i %% 4000, i %% 2500
  FROM generate_series(1, %(rows)s) AS i;

-- shuffle --
-- Write a table anew in an order that has nothing to do with its key.
CREATE TEMP TABLE ordered ON COMMIT DROP AS SELECT * FROM {table} ORDER BY hashtextextended(id, 7);

-- unshuffle --
-- Write a table anew in the order of its key.
CREATE TEMP TABLE ordered ON COMMIT DROP AS SELECT * FROM {table} ORDER BY id COLLATE "C";

-- put_back --
-- The rows in their new order.
TRUNCATE {table};

-- refill --
-- The rows in their new order.
INSERT INTO {table} SELECT * FROM ordered;

-- drop_ordered --
-- Make room for the next table's.
DROP TABLE ordered;

-- change_one --
-- A change of one row, which its new value tells.
UPDATE public.customers SET email = %(mark)s WHERE id = %(key)s;

-- seen_in_view --
-- Which of the changed rows the view shows.
SELECT id FROM {view} WHERE id = ANY (%(keys)s) AND email = 'seen-' || id;

-- read_counter --
-- What the counter keeps of the last run.
SELECT run_id, result FROM {counter} WHERE key = %(key)s;

-- update_counter --
-- What the look writes that found nothing.
UPDATE {counter} SET checked_at = clock_timestamp(), run_id = %(run_id)s, result = %(result)s WHERE key = %(key)s;

-- fill_small --
-- A few rows.
INSERT INTO {table} SELECT i, 'name ' || i, i * 1.5 FROM generate_series(1, %(rows)s) AS i;

-- change_small --
-- One row of them.
UPDATE {table} SET name = 'step ' || %(step)s WHERE id = 1 + %(step)s;

-- sum_small --
-- Rows, and a sum that tells other rows.
SELECT count(*), sum(hashtextextended(id || '|' || name || '|' || amount, 0)) FROM {table};

-- touch --
-- Write one row as it is: the source was written to, and holds what it held.
UPDATE {table} SET id = id WHERE id = (SELECT min(id) FROM {table});

-- widen_memory --
-- For the comparison, in this transaction.
SET LOCAL work_mem = '128MB';

-- compare --
-- Rows that only one side has; duplicates count.
SELECT (SELECT count(*) FROM (SELECT {columns} FROM {merge} WHERE {is_open}
                              EXCEPT ALL SELECT {columns} FROM {staging}) AS a),
       (SELECT count(*) FROM (SELECT {columns} FROM {staging}
                              EXCEPT ALL SELECT {columns} FROM {merge} WHERE {is_open}) AS b);
