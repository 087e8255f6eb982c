-- Statements of columns.py.

-- read_columns --
-- Columns of many relations of one schema, their types spelled as format_type does, domains resolved to their base.
WITH RECURSIVE relation AS (
    SELECT c.oid, c.relname, c.relkind
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s
       AND c.relname = ANY (%(tables)s::text[])
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), resolved AS (
    -- Since PostgreSQL 18 a not null constraint may be not valid: it says nothing of older rows.
    SELECT r.relname, r.relkind, a.attnum, a.attname,
           a.attnotnull AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_constraint AS n
                WHERE n.conrelid = r.oid AND n.contype = 'n' AND NOT n.convalidated AND n.conkey = ARRAY[a.attnum]
           ) AS attnotnull,
           a.attgenerated, a.attcollation,
           a.atttypid AS type_oid, a.atttypmod AS type_modifier, false AS is_domain, false AS is_required_by_domain
      FROM relation AS r
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid
     WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    -- A domain becomes its base, an array of a domain the array of its base; the innermost modifier is the one in force.
    SELECT d.relname, d.relkind, d.attnum, d.attname, d.attnotnull, d.attgenerated, d.attcollation,
           CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE base.typarray END,
           CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE element.typtypmod END,
           true, d.is_required_by_domain OR (t.typtype = 'd' AND t.typnotnull)
      FROM resolved AS d
      JOIN pg_catalog.pg_type AS t ON t.oid = d.type_oid
      LEFT JOIN pg_catalog.pg_type AS element
        ON t.typtype = 'b' AND t.typcategory = 'A' AND element.oid = t.typelem AND element.typtype = 'd'
      LEFT JOIN pg_catalog.pg_type AS base ON base.oid = element.typbasetype
     WHERE t.typtype = 'd' OR base.typarray <> 0
), last_step AS (
    SELECT resolved.*,
           bool_or(is_domain) OVER of_column AS was_domain,
           bool_or(is_required_by_domain) OVER of_column AS is_required_by_any
      FROM resolved
    WINDOW of_column AS (PARTITION BY relname, attnum)
)
SELECT s.relname, s.attname, pg_catalog.format_type(s.type_oid, s.type_modifier),
       s.attnotnull OR s.is_required_by_any, s.was_domain, t.typtype = 'e', s.attgenerated <> '',
       co.collname, coalesce(co.collisdeterministic, true), s.relkind::text, s.attnum::integer
  FROM last_step AS s
  JOIN pg_catalog.pg_type AS t ON t.oid = s.type_oid
  LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = s.attcollation
  LEFT JOIN pg_catalog.pg_type AS element
    ON t.typtype = 'b' AND t.typcategory = 'A' AND element.oid = t.typelem AND element.typtype = 'd'
  LEFT JOIN pg_catalog.pg_type AS base ON base.oid = element.typbasetype
 WHERE t.typtype <> 'd' AND coalesce(base.typarray, 0) = 0
 ORDER BY s.relname, s.attnum
