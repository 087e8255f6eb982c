-- Statements of airflow_database.py, in the schema that Airflow's own tables are in.

-- exists --
-- Whether the table of finished migrations is there.
SELECT pg_catalog.to_regclass('datasurface_migrated') IS NOT NULL;

-- is_migrated --
-- Whether this release's migration has come to its end.
SELECT EXISTS (SELECT FROM datasurface_migrated WHERE release = %(release)s);

-- create --
-- The table of finished migrations.
CREATE TABLE IF NOT EXISTS datasurface_migrated (release text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());

-- record --
-- A release's migration has come to its end.
INSERT INTO datasurface_migrated (release) VALUES (%(release)s) ON CONFLICT (release) DO UPDATE SET at = now();
