-- Rights on the demo source; its tables come from the simulator. init/demo_steps.py puts them in order.

-- begin_demo --
-- What the demo's scripts make belongs to its owner and lands in schema public.
SET ROLE {owner};
SET search_path = public;

-- end_demo --
-- Back to the settings of every session of ours.
SET search_path = pg_catalog;
RESET ROLE;

-- may_read_and_write --
-- Whether reader and writer have their rights on every table of the demo's, and on those to come.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c
                    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                      AND NOT (pg_catalog.has_table_privilege({reader_name}, c.oid, 'SELECT')
                               AND pg_catalog.has_table_privilege({writer_name}, c.oid, 'SELECT')
                               AND pg_catalog.has_table_privilege({writer_name}, c.oid, 'INSERT')
                               AND pg_catalog.has_table_privilege({writer_name}, c.oid, 'UPDATE')
                               AND pg_catalog.has_table_privilege({writer_name}, c.oid, 'DELETE')))
   AND (SELECT count(DISTINCT a.grantee) = 2
          FROM pg_catalog.pg_default_acl AS d CROSS JOIN pg_catalog.aclexplode(d.defaclacl) AS a
         WHERE d.defaclrole = pg_catalog.to_regrole({owner_text}) AND d.defaclobjtype = 'r'
           AND a.grantee IN (pg_catalog.to_regrole({reader_text}), pg_catalog.to_regrole({writer_text})))

-- grant_demo --
-- The reader reads, the writer writes, also what a later change of the schema brings.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {writer};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON TABLES TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {writer};
