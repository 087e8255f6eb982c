-- What a server says of itself; signs.py says why equal answers mean that nothing was written between two snapshots.

-- read_server --
-- The transaction's snapshot and which run of which server it is of; no row where a snapshot says too little.
SELECT pg_catalog.pg_current_snapshot()::text, s.system_identifier::text,
       pg_catalog.pg_postmaster_start_time()::text, pg_catalog.concat_ws(' ', c.timeline_id, c.checkpoint_lsn),
       d.oid::text
  FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_control_checkpoint() AS c, pg_catalog.pg_database AS d
 WHERE d.datname = pg_catalog.current_database()
   AND NOT pg_catalog.pg_is_in_recovery()
   AND pg_catalog.to_regproc('pg_catalog.aurora_version') IS NULL

-- has_other_extensions --
-- Whether the database has an extension that is not PostgreSQL's own: it may give reading a table another meaning.
SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname <> ALL (%(own)s::text[]))

-- are_plain --
-- Whether relations, and all that inherits from them, are rows of heaps of the database's own and nothing else.
WITH RECURSIVE named AS (
    SELECT c.oid
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relname = ANY (%(relations)s::text[])
), relation AS (
    SELECT oid FROM named
     UNION
    SELECT i.inhrelid FROM relation AS r JOIN pg_catalog.pg_inherits AS i ON i.inhparent = r.oid
)
SELECT (SELECT count(*) FROM named) = %(count)s AND NOT EXISTS (
    SELECT FROM relation AS r JOIN pg_catalog.pg_class AS c USING (oid)
     WHERE c.oid < 16384
        OR c.relkind NOT IN ('r', 'm', 'p')
        OR (c.relkind IN ('r', 'm') AND c.relam <> 2)
        OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attgenerated = 'v'))

-- read_places --
-- The clock, and where tables of the merge database lie: another place is another table, or one that was rewritten.
SELECT pg_catalog.clock_timestamp(),
       (SELECT pg_catalog.string_agg(
                   pg_catalog.concat_ws(' ', c.oid, pg_catalog.pg_relation_filenode(c.oid)), ',' ORDER BY c.relname)
          FROM pg_catalog.pg_class AS c
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = %(schema)s AND c.relname = ANY (%(tables)s::text[]))
