-- Statements of model_examination.py.

-- read_prerequisites --
-- What `datasurface init` makes and a merge needs: whether each is there and may be used.
SELECT pg_catalog.to_regprocedure({make_platform}) IS NOT NULL
         AND pg_catalog.has_function_privilege(pg_catalog.to_regprocedure({make_platform}), 'EXECUTE'),
       pg_catalog.to_regprocedure({make_reader}) IS NOT NULL
         AND pg_catalog.has_function_privilege(pg_catalog.to_regprocedure({make_reader}), 'EXECUTE'),
       (SELECT pg_catalog.pg_has_role(r.oid, 'MEMBER') FROM pg_catalog.pg_roles AS r WHERE r.rolname = {views}),
       pg_catalog.to_regclass({platform}) IS NOT NULL;

-- read_lock_capacity --
-- How many relations all transactions together can surely have locked.
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint
     * (pg_catalog.current_setting('max_connections')::bigint
        + pg_catalog.current_setting('max_prepared_transactions')::bigint);
