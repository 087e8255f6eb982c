-- The common control tables, their rights, and the functions that make roles; init/table_steps.py puts them in order.

-- has_table --
-- Whether a table is there.
SELECT pg_catalog.to_regclass({table_text}) IS NOT NULL

-- act_as --
-- Make what follows belong to a role.
SET ROLE {role};

-- act_as_oneself --
-- End what act_as began.
RESET ROLE;

-- may_use_table --
-- Whether a role has all of these privileges on a table.
SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege({role_name}, {table_text}, p.name))
  FROM pg_catalog.unnest({privilege_names}) AS p (name)

-- grant_table --
-- Give a role rights on a table.
GRANT {privileges} ON {table} TO {role};

-- has_function --
-- Whether a function is there as it should be: its body, and nobody but the model merge may call it.
SELECT EXISTS (SELECT FROM pg_catalog.pg_proc AS p
                WHERE p.oid = pg_catalog.to_regprocedure({function_text})
                  AND p.prosecdef = {is_definer}
                  AND pg_catalog.md5(p.prosrc) = {body_md5}
                  AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) AS a WHERE a.grantee = 0)
                  AND (p.proacl IS NOT NULL)
                  AND {may_call})

-- has_own_locks --
-- Whether advisory locks are for the platform's own logins alone.
SELECT pg_catalog.bool_and(NOT pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
                           AND pg_catalog.has_function_privilege({jobs_name}, p.oid, 'EXECUTE')
                           AND pg_catalog.has_function_privilege({merge_name}, p.oid, 'EXECUTE'))
  FROM pg_catalog.pg_proc AS p
 WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'

-- keep_locks --
-- Streams and merges exclude each other by advisory locks: a reader who took one could stop a stream for good.
DO $do$
DECLARE
    taking text;
BEGIN
    FOR taking IN SELECT p.oid::pg_catalog.regprocedure FROM pg_catalog.pg_proc AS p
                   WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
                     AND p.proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'
    LOOP
        EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || taking || ' FROM PUBLIC';
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION ' || taking || ' TO %I, %I', {jobs_name}, {merge_name});
    END LOOP;
END
$do$;

-- make_role_function --
-- Shared by the two functions below, and callable by nobody else: make a NOLOGIN role, or accept one of our own making.
CREATE OR REPLACE FUNCTION {make_role}(role_name text, ending text, mark text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS {body};
REVOKE ALL ON FUNCTION {make_role}(text, text, text) FROM PUBLIC;

-- make_role_body --
-- Body of the function above.
DECLARE
    prefix  CONSTANT text := {prefix};
    present pg_roles%ROWTYPE;
BEGIN
    IF role_name IS NULL OR octet_length(role_name) > 63 OR NOT starts_with(role_name, prefix)
       OR starts_with(role_name, 'pg_') OR role_name ~ '[A-Z[:cntrl:][:space:]"''\\;]'
       OR substr(role_name, length(prefix) + 1) !~ ('.(_' || ending || '|_[0-9a-f]{{10}})$') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_name',
            MESSAGE = format('%L is no name of a role of this installation ending in _%s', role_name, ending);
    END IF;
    SELECT * INTO present FROM pg_roles WHERE rolname = role_name;
    IF NOT FOUND THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, mark);
    ELSIF shobj_description(present.oid, 'pg_authid') IS DISTINCT FROM mark
       OR present.rolcanlogin OR present.rolsuper OR present.rolcreaterole OR present.rolcreatedb THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
            MESSAGE = format('role %I exists and is not one that this installation made', role_name);
    END IF;
END

-- make_platform_function --
-- For the model merge: the role that owns a platform's tables; its own logins may act as it, nothing else changes.
CREATE OR REPLACE FUNCTION {make_platform}(tables_role text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {body};
REVOKE ALL ON FUNCTION {make_platform}(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {make_platform}(text) TO {merge};

-- make_platform_body --
-- Body of the function above. A platform's own login of jobs becomes a member too, if the installation has one.
DECLARE
    own_job text;
BEGIN
    PERFORM {make_role}(tables_role, 'tables', {mark});
    EXECUTE format('GRANT %I TO %I, %I', tables_role, {merge_name}, {job_name});
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', {schema_name}, tables_role);
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), tables_role);
    SELECT m.rolname INTO own_job
      FROM pg_auth_members AS a JOIN pg_roles AS m ON m.oid = a.member JOIN pg_roles AS g ON g.oid = a.roleid
     WHERE g.rolname = {jobs_name} AND m.rolname = regexp_replace(tables_role, '_tables$', '') || '_job';
    IF own_job IS NOT NULL THEN
        EXECUTE format('GRANT %I TO %I', tables_role, own_job);
    END IF;
    RETURN tables_role;
END

-- make_reader_function --
-- For the model merge: the role by which a workspace reads its views, and as which the merge may try them.
CREATE OR REPLACE FUNCTION {make_reader}(reader_role text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {body};
REVOKE ALL ON FUNCTION {make_reader}(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {make_reader}(text) TO {merge};

-- make_reader_body --
-- Body of the function above.
BEGIN
    PERFORM {make_role}(reader_role, 'reader', {mark});
    EXECUTE format('GRANT %I TO %I', {readers_name}, reader_role);
    EXECUTE format('GRANT %I TO %I', reader_role, {merge_name})
         || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
    RETURN reader_role;
END
