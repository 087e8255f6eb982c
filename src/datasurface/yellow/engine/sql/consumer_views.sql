-- Statements of consumer_views.py, in the consumers' database.

-- create_view --
-- Make a view of a foreign table, or replace it in place; its owner alone logs in at the merge database.
CREATE OR REPLACE VIEW {view} WITH (security_barrier = true) AS SELECT {columns} FROM {link};

-- create_link --
-- Make the foreign table behind a view.
CREATE FOREIGN TABLE {link} ({columns}) SERVER {server} OPTIONS (schema_name {remote_schema}, table_name {remote_view});

-- extend_link --
-- Add the columns that the view in the merge database has gained.
ALTER FOREIGN TABLE {link} {columns};

-- drop_link --
-- Drop the foreign table of a view that went, and nothing that depends on it.
DROP FOREIGN TABLE IF EXISTS {link};
