-- Roles of an installation; init/role_steps.py puts them in order.

-- find_misfits --
-- Whatever keeps this server or its present roles from being used: one line of text each.
SELECT pg_catalog.format('PostgreSQL %s is too old: 14 or newer is needed', pg_catalog.current_setting('server_version'))
 WHERE pg_catalog.current_setting('server_version_num')::int < 140000
UNION ALL
SELECT pg_catalog.format('%s is no superuser, which making roles and databases needs', current_user)
 WHERE NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user)
UNION ALL
SELECT pg_catalog.format('role %s exists and has more rights than it may: %s', r.rolname,
           pg_catalog.concat_ws(', ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
               CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
               CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END))
  FROM pg_catalog.pg_roles AS r
 WHERE r.rolname = ANY ({role_names})
   AND (r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls)
UNION ALL
SELECT pg_catalog.format('role %s exists and is a member of %s', m.rolname, g.rolname)
  FROM pg_catalog.pg_auth_members AS a
  JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
  JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
 WHERE m.rolname = ANY ({role_names})
   AND (g.rolsuper OR g.rolcreaterole OR pg_catalog.starts_with(g.rolname, 'pg_'))

-- summarize_findings --
-- For the printed script: whether there are findings, and all of them in one text.
SELECT count(*) > 0 AS is_wrong, string_agg(finding, '; ') AS findings FROM ({findings}) AS f (finding)

-- has_role --
-- Whether a role is there with the wanted way to log in and to use what it is a member of.
SELECT EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                WHERE r.rolname = {role_name} AND r.rolcanlogin = {can_login} AND r.rolinherit = {inherits})

-- make_role --
-- Make a role, or correct one that was made by hand.
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = {role_name}) THEN
        CREATE ROLE {role};
    END IF;
    ALTER ROLE {role} {login} {inherit};
END
$do$;

-- keeps_errors_from_log --
-- Whether the server's log takes down no error of a role's sessions.
SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting AS s
                WHERE s.setrole = pg_catalog.to_regrole({role_text}) AND s.setdatabase = 0
                  AND 'log_min_messages=log' = ANY (s.setconfig))

-- keep_errors_from_log --
-- Errors of a COPY and of a cast quote values of the data; the client is told them nevertheless.
ALTER ROLE {role} SET log_min_messages = 'log';

-- is_member --
-- Whether a role is a direct member of a group.
SELECT EXISTS (SELECT FROM pg_catalog.pg_auth_members AS a
                WHERE a.roleid = pg_catalog.to_regrole({group_text}) AND a.member = pg_catalog.to_regrole({role_text}))

-- add_member --
-- Make a role a member of a group.
GRANT {group} TO {role};

-- stored_verifier --
-- What the server keeps of a role's password; null if it has none.
SELECT a.rolpassword FROM pg_catalog.pg_authid AS a WHERE a.rolname = {role_name}

-- set_password --
-- Set a role's password by its SCRAM verifier, which does not tell the password.
ALTER ROLE {role} PASSWORD {verifier};

-- keep_out_of_logs --
-- Until the end of the transaction, no log and no statistics take a statement down.
SET LOCAL log_statement = 'none';
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_duration_sample = -1;
SET LOCAL log_transaction_sample_rate = 0;
SET LOCAL log_min_error_statement = 'panic';
SET LOCAL pg_stat_statements.track_utility = off;
SET LOCAL pg_stat_statements.track = 'none';
