-- Databases of an installation, and who may enter them; init/database_steps.py puts them in order.

-- has_database --
-- Whether a database is there.
SELECT EXISTS (SELECT FROM pg_catalog.pg_database AS d WHERE d.datname = {database_name})

-- make_database --
-- Make a database that belongs to whoever runs this.
CREATE DATABASE {database};

-- make_owned_database --
-- Make a database that belongs to a role.
CREATE DATABASE {database} OWNER {owner};

-- is_closed_database --
-- Whether PUBLIC has no right on a database.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_database AS d
                    CROSS JOIN pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS a
                    WHERE d.datname = {database_name} AND a.grantee = 0)

-- close_database --
-- Take PUBLIC's rights on a database.
REVOKE ALL ON DATABASE {database} FROM PUBLIC;

-- may_connect --
-- Whether all of these roles may connect to a database.
SELECT pg_catalog.bool_and(pg_catalog.has_database_privilege(r.name, {database_name}, 'CONNECT'))
  FROM pg_catalog.unnest({role_names}) AS r (name)

-- grant_connect --
-- Let roles connect to a database.
GRANT CONNECT ON DATABASE {database} TO {roles};

-- may_use_temporary --
-- Whether all of these roles may make temporary tables in a database.
SELECT pg_catalog.bool_and(pg_catalog.has_database_privilege(r.name, {database_name}, 'TEMPORARY'))
  FROM pg_catalog.unnest({role_names}) AS r (name)

-- grant_temporary --
-- Let roles make temporary tables in a database.
GRANT TEMPORARY ON DATABASE {database} TO {roles};

-- has_schema --
-- Whether a schema is there.
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {schema_name})

-- make_schema --
-- Make a schema.
CREATE SCHEMA {schema};

-- is_closed_schema --
-- Whether PUBLIC has no right on a schema.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_namespace AS n
                    CROSS JOIN pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a
                    WHERE n.nspname = {schema_name} AND a.grantee = 0)

-- close_schema --
-- Take PUBLIC's rights on a schema.
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;

-- may_use_schema --
-- Whether all of these roles may look names of a schema up.
SELECT pg_catalog.bool_and(pg_catalog.has_schema_privilege(r.name, {schema_name}, 'USAGE'))
  FROM pg_catalog.unnest({role_names}) AS r (name)

-- grant_usage --
-- Let roles look names of a schema up.
GRANT USAGE ON SCHEMA {schema} TO {roles};

-- may_create --
-- Whether all of these roles may make objects in a schema.
SELECT pg_catalog.bool_and(pg_catalog.has_schema_privilege(r.name, {schema_name}, 'CREATE'))
  FROM pg_catalog.unnest({role_names}) AS r (name)

-- grant_create --
-- Let roles make objects in a schema.
GRANT CREATE ON SCHEMA {schema} TO {roles};
