-- Logins of readers and the roles of their workspaces; init/reader_steps.py puts them in order.

-- has_reader --
-- Whether a workspace has its role.
SELECT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS a
                 JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
                 JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
                WHERE g.rolname = {readers_name} AND m.rolname = {reader_name} AND NOT m.rolcanlogin)

-- make_reader --
-- Make a workspace's role as the model merge would.
SELECT {make_reader}({reader_name});

-- reads_as --
-- Whether a login is a direct member of these workspaces' roles and of no other workspace's.
SELECT coalesce(pg_catalog.array_agg(g.rolname::text), '{{}}') @> {group_names}
       AND coalesce(pg_catalog.array_agg(g.rolname::text), '{{}}') <@ {group_names}
  FROM pg_catalog.pg_auth_members AS a
  JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
  JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
  JOIN pg_catalog.pg_auth_members AS of_readers ON of_readers.member = g.oid
  JOIN pg_catalog.pg_roles AS readers ON readers.oid = of_readers.roleid
 WHERE m.rolname = {login_name} AND readers.rolname = {readers_name}

-- read_as --
-- Make a login a member of these workspaces' roles, and of no other workspace's.
DO $do$
DECLARE
    reader text;
BEGIN
    FOR reader IN
        SELECT g.rolname
          FROM pg_catalog.pg_auth_members AS a
          JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
          JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
          JOIN pg_catalog.pg_auth_members AS of_readers ON of_readers.member = g.oid
          JOIN pg_catalog.pg_roles AS readers ON readers.oid = of_readers.roleid
         WHERE m.rolname = {login_name} AND readers.rolname = {readers_name} AND g.rolname <> ALL ({group_names})
    LOOP
        EXECUTE pg_catalog.format('REVOKE %I FROM %I', reader, {login_name});
    END LOOP;
    FOREACH reader IN ARRAY {group_names} LOOP
        EXECUTE pg_catalog.format('GRANT %I TO %I', reader, {login_name});
    END LOOP;
END
$do$;

-- may_act_as_readers --
-- Whether the model merge is a member of every workspace's role.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS a
                     JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
                     JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
                    WHERE g.rolname = {readers_name} AND NOT m.rolcanlogin
                      AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS merging
                                        JOIN pg_catalog.pg_roles AS login ON login.oid = merging.member
                                       WHERE merging.roleid = m.oid AND login.rolname = {merge_name}))

-- act_as_readers --
-- Make the model merge a member of every workspace's role; it has their rights only after SET ROLE.
DO $do$
DECLARE
    reader text;
BEGIN
    FOR reader IN
        SELECT m.rolname
          FROM pg_catalog.pg_auth_members AS a
          JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
          JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
         WHERE g.rolname = {readers_name} AND NOT m.rolcanlogin
    LOOP
        EXECUTE pg_catalog.format('GRANT %I TO %I', reader, {merge_name})
             || CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000
                     THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
    END LOOP;
END
$do$;
