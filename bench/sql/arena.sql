-- The stage of the benchmark: databases by the round, what the server did meanwhile, and right or wrong.

-- copy_database --
-- A database as it was before the first batch.
CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy;

-- copy_rights --
-- CREATE DATABASE leaves out the rights on the database itself.
UPDATE pg_database SET datacl = t.datacl FROM pg_database AS t
 WHERE pg_database.datname = %(name)s AND t.datname = %(template)s;

-- drop_database --
-- Ends whoever is still connected.
DROP DATABASE IF EXISTS {name} WITH (FORCE);

-- rename_database --
-- Put what was prepared aside as the template.
ALTER DATABASE {name} RENAME TO {template};

-- drop_role --
-- A role of the benchmark's own.
DROP ROLE IF EXISTS {role};

-- roles_of_prefix --
-- Roles of the benchmark's own installation.
SELECT rolname FROM pg_roles WHERE starts_with(rolname, %(prefix)s);

-- checkpoint --
-- So that no contender writes out what another one left.
CHECKPOINT;

-- server_counters --
-- Where the WAL is, and bytes of temporary files in these databases.
SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
       (SELECT sum(temp_bytes) FROM pg_stat_database WHERE datname = ANY (%(databases)s));

-- busy_sessions --
-- Sessions in these databases; their counters are known once they are gone.
SELECT count(*) FROM pg_stat_activity WHERE datname = ANY (%(databases)s) AND backend_type = 'client backend';

-- vacuum_milliseconds --
-- Time spent so far in vacuuming the tables of this database by hand.
SELECT coalesce(sum(total_vacuum_time), 0) FROM pg_stat_all_tables;

-- settings --
-- Settings that decide about speed, and the server's version.
SELECT name, current_setting(name) FROM unnest(ARRAY[
  'server_version', 'shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem', 'max_wal_size',
  'checkpoint_timeout', 'wal_level', 'fsync', 'full_page_writes', 'synchronous_commit', 'wal_compression', 'autovacuum',
  'random_page_cost', 'jit', 'io_method', 'data_checksums'
]) AS wanted (name) WHERE EXISTS (SELECT FROM pg_settings AS s WHERE s.name = wanted.name);

-- make_staging --
-- Where the floor puts the rows; what it holds afterwards is the source.
CREATE UNLOGGED TABLE {staging} AS SELECT {columns} FROM {merge} WITH NO DATA;

-- table_bytes --
-- Size on disk with indexes and TOAST; 0 if there is no such table.
SELECT coalesce(pg_total_relation_size(to_regclass({name})), 0);

-- widen_memory --
-- For the comparison, in this transaction.
SET LOCAL work_mem = '1GB';

-- count_open --
-- Open rows of the contender, and rows of the source.
SELECT (SELECT count(*) FROM {merge} WHERE {is_open}), (SELECT count(*) FROM {staging});

-- count_superfluous --
-- Rows that only the contender has; duplicates count.
SELECT count(*) FROM (SELECT {columns} FROM {merge} WHERE {is_open} EXCEPT ALL SELECT {columns} FROM {staging}) AS a;

-- count_missing --
-- Rows that only the source has; duplicates count.
SELECT count(*) FROM (SELECT {columns} FROM {staging} EXCEPT ALL SELECT {columns} FROM {merge} WHERE {is_open}) AS b;

-- tidy --
-- What a peer left is cleaned up by autovacuum elsewhere.
VACUUM (ANALYZE) {table};

-- count_closed --
-- Versions that ended.
SELECT count(*) FROM {merge} WHERE NOT ({is_open});
