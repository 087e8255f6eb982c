-- Statements of airflow_database.py, in the schema that Airflow's own tables are in.

-- exists --
-- Whether the table of finished migrations is there.
SELECT pg_catalog.to_regclass('datasurface_migrated') IS NOT NULL;

-- newest --
-- The release whose migration came to its end last: the tables are its tables.
SELECT release FROM datasurface_migrated ORDER BY at DESC LIMIT 1;

-- create --
-- The table of finished migrations.
CREATE TABLE IF NOT EXISTS datasurface_migrated (release text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());

-- record --
-- A release's migration has come to its end.
INSERT INTO datasurface_migrated (release) VALUES (%(release)s) ON CONFLICT (release) DO UPDATE SET at = now();
