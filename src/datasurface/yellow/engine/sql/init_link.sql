-- How the consumers' database reads views of the merge database; init/link_steps.py puts them in order.

-- is_available --
-- Whether the server has postgres_fdw.
SELECT EXISTS (SELECT FROM pg_catalog.pg_available_extensions AS e WHERE e.name = 'postgres_fdw')

-- has_extension --
-- Whether postgres_fdw is in this database.
SELECT EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE e.extname = 'postgres_fdw')

-- make_extension --
-- Put postgres_fdw into this database.
CREATE EXTENSION postgres_fdw SCHEMA public;

-- has_server --
-- Whether the merge database is known here by the right address, and to the owner of the views.
SELECT EXISTS (SELECT FROM pg_catalog.pg_foreign_server AS s
                WHERE s.srvname = {server_name}
                  AND s.srvoptions @> ARRAY['host=' || {host}, 'port=' || {port}, 'dbname=' || {database_name}]
                  AND pg_catalog.has_server_privilege({views_name}, s.oid, 'USAGE'))

-- make_server --
-- Make the merge database known here, or correct its address, and let the owner of the views use it.
DO $do$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_foreign_server AS s WHERE s.srvname = {server_name}) THEN
        ALTER SERVER {server} OPTIONS (SET host {host}, SET port {port}, SET dbname {database_name});
    ELSE
        CREATE SERVER {server} FOREIGN DATA WRAPPER postgres_fdw
            OPTIONS (host {host}, port {port}, dbname {database_name}, fetch_size '10000', updatable 'false');
    END IF;
    GRANT USAGE ON FOREIGN SERVER {server} TO {views};
END
$do$;

-- has_mapping --
-- Whether the owner of the views logs in there as it should.
SELECT EXISTS (SELECT FROM pg_catalog.pg_user_mappings AS m
                WHERE m.srvname = {server_name} AND m.usename = {views_name}
                  AND m.umoptions @> ARRAY['user=' || {link_name}, 'password=' || {password}])

-- make_mapping --
-- Set the login of the link; the foreign data wrapper needs the password itself.
DROP USER MAPPING IF EXISTS FOR {views} SERVER {server};
CREATE USER MAPPING FOR {views} SERVER {server} OPTIONS (user {link_name}, password {password});
