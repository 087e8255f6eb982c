-- Statements of lock_table.py: how many locks a server can hold, how many it holds, what a LOCK TABLE takes.

-- read_room --
-- The three settings of the lock table's size, and how many objects other sessions have locked in it now.
SELECT current_setting('max_locks_per_transaction')::bigint,
       current_setting('max_connections')::bigint,
       current_setting('max_prepared_transactions')::bigint,
       (SELECT count(*)
          FROM (SELECT DISTINCT locktype, database, relation, page, tuple, virtualxid, transactionid::text, classid,
                       objid, objsubid
                  FROM pg_catalog.pg_locks WHERE NOT fastpath AND pid IS DISTINCT FROM pg_backend_pid()) AS held)

-- count_relations --
-- How many relations LOCK TABLE locks for these: each with the partitions and heirs below it, a view with what it reads.
WITH RECURSIVE taken (oid) AS (
    SELECT c.oid
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relname = ANY (%(tables)s::text[])
    UNION
    SELECT below.oid
      FROM taken AS t
     CROSS JOIN LATERAL (
         SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = t.oid
          UNION ALL
         SELECT d.refobjid
           FROM pg_catalog.pg_rewrite AS w
           JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
          WHERE w.ev_class = t.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> t.oid
     ) AS below
)
SELECT count(*) FROM taken
