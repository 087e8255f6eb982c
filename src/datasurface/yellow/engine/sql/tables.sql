-- Statements of table_sync.py.

-- read_owners --
-- Kind and owner of the relations of a schema that have these names.
SELECT c.relname, c.relkind::text, owner.rolname
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles AS owner ON owner.oid = c.relowner
 WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s::text[]);

-- alter_table --
-- Change the columns of a table, all at once.
ALTER TABLE {table} {changes};

-- add_column --
-- A part of alter_table: a new column, null in the rows that are there.
ADD COLUMN {column} {type}

-- widen_column --
-- A part of alter_table: a type that holds every value of the old one.
ALTER COLUMN {column} TYPE {type}

-- grant_to_views --
-- Let the owner of the views read a merge table.
GRANT SELECT ON {table} TO {views};
