-- Session advisory locks of the merge database; locks.py says what each kind is for.

-- try_lock --
-- Take a lock if nobody else holds it.
SELECT pg_catalog.pg_try_advisory_lock(%(number)s);

-- unlock --
-- Let go of a lock once; false if this session does not hold it.
SELECT pg_catalog.pg_advisory_unlock(%(number)s);

-- count_held --
-- How often this session holds a lock of the current database: 0 or 1, as pg_locks has one row per lock and holder.
SELECT pg_catalog.count(*)
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_database AS d ON d.oid = l.database
 WHERE d.datname = pg_catalog.current_database()
   AND l.locktype = 'advisory'
   AND l.pid = pg_catalog.pg_backend_pid()
   AND l.granted
   AND l.objsubid = 1
   AND l.classid = ((%(number)s::bigint >> 32) & 4294967295)::oid
   AND l.objid = (%(number)s::bigint & 4294967295)::oid;

-- select_backend --
-- The process that really serves this statement.
SELECT pg_catalog.pg_backend_pid();
