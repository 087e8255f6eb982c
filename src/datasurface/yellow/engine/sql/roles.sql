-- Roles that the model merge makes; the functions are of `datasurface init`.

-- act_as --
-- Take a role's rights until the transaction ends.
SET LOCAL ROLE {role};

-- act_as_oneself --
-- Take one's own rights again.
SET LOCAL ROLE NONE;

-- make_role --
-- Make a role without login by one of the two functions, or accept it where that made it before.
SELECT {function}(%(role)s);

-- read_whole_readers --
-- The roles of workspaces that are as `ds_make_reader` makes them, with the mark that stands in it: calling it would write.
SELECT reader.rolname
  FROM pg_catalog.pg_auth_members AS of_readers
  JOIN pg_catalog.pg_roles AS readers ON readers.oid = of_readers.roleid AND readers.rolname = %(readers)s
  JOIN pg_catalog.pg_roles AS reader ON reader.oid = of_readers.member
  JOIN pg_catalog.pg_auth_members AS of_merge ON of_merge.roleid = reader.oid
  JOIN pg_catalog.pg_roles AS merge ON merge.oid = of_merge.member AND merge.rolname = %(merge)s
 WHERE NOT (reader.rolcanlogin OR reader.rolsuper OR reader.rolcreaterole OR reader.rolcreatedb)
   AND EXISTS (SELECT FROM pg_catalog.pg_proc AS p
                WHERE p.oid = pg_catalog.to_regprocedure(pg_catalog.format('%%I.ds_make_reader(text)', %(schema)s::text))
                  AND pg_catalog.strpos(p.prosrc, pg_catalog.quote_literal(
                          pg_catalog.shobj_description(reader.oid, 'pg_authid'))) > 0);

-- read_whole_platforms --
-- The owners of platforms' tables that are as `ds_make_platform` makes them.
SELECT owner.rolname
  FROM pg_catalog.pg_roles AS owner
 WHERE NOT (owner.rolcanlogin OR owner.rolsuper OR owner.rolcreaterole OR owner.rolcreatedb)
   AND EXISTS (SELECT FROM pg_catalog.pg_proc AS p
                WHERE p.oid = pg_catalog.to_regprocedure(pg_catalog.format('%%I.ds_make_platform(text)', %(schema)s::text))
                  AND pg_catalog.strpos(p.prosrc, pg_catalog.quote_literal(
                          pg_catalog.shobj_description(owner.oid, 'pg_authid'))) > 0)
   AND pg_catalog.has_schema_privilege(owner.oid, %(schema)s, 'USAGE')
   AND pg_catalog.has_schema_privilege(owner.oid, %(schema)s, 'CREATE')
   AND pg_catalog.has_database_privilege(owner.oid, pg_catalog.current_database(), 'TEMPORARY')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS login
                     LEFT JOIN pg_catalog.pg_auth_members AS of_jobs ON of_jobs.member = login.oid
                     LEFT JOIN pg_catalog.pg_roles AS jobs ON jobs.oid = of_jobs.roleid
                    WHERE (login.rolname IN (%(merge)s, %(job)s)
                           OR (jobs.rolname = %(jobs)s
                               AND login.rolname = pg_catalog.regexp_replace(owner.rolname, '_tables$', '') || '_job'))
                      AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS of_owner
                                       WHERE of_owner.roleid = owner.oid AND of_owner.member = login.oid));
