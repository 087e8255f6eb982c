-- Statements of known_objects.py. Each gives or uses `found`: a hash of all that a merge examines of an object.

-- find_table --
-- Whether the table of known objects is there; an installation that was not initialised anew has none.
SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = %(schema)s AND c.relname = %(table)s);

-- given --
-- The relations of these names.
SELECT name FROM pg_catalog.unnest(%(names)s::text[]) AS given (name)

-- known --
-- The relations that are known.
SELECT name, wanted, found FROM {known} WHERE pg_catalog.left(name, 5) <> 'rows:'

-- relations --
-- What the catalogue has of relations: a new version of a view's rule has another xmin, everything else is taken as it is.
-- What batches change (indexes, not null, pages) and what nobody examines (rights on tables) is left out.
relation AS MATERIALIZED (
    SELECT asked.name, c.oid,
           pg_catalog.concat_ws(
               E'\x1f', c.relkind::text, pg_catalog.pg_get_userbyid(c.relowner),
               CASE WHEN c.relkind = 'v' THEN pg_catalog.concat_ws(
                   E'\x1f', coalesce(c.relacl::text, '-'), coalesce(c.reloptions::text, '-'), d.description, r.xmin::text)
               END) AS facts
      FROM asked
      JOIN pg_catalog.pg_class AS c ON c.relname = asked.name::name AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s)
      LEFT JOIN pg_catalog.pg_description AS d
        ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
      LEFT JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
), shown AS (
    SELECT a.attrelid,
           pg_catalog.bit_xor(pg_catalog.hash_record_extended(
               ROW(a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation), 0)) AS columns
      FROM pg_catalog.pg_attribute AS a
      JOIN relation ON relation.oid = a.attrelid
     WHERE a.attnum > 0 AND NOT a.attisdropped
     GROUP BY a.attrelid
), present AS (
    SELECT relation.name, pg_catalog.concat(
               pg_catalog.hashtextextended(relation.facts, 0), '/', shown.columns) AS found
      FROM relation
      LEFT JOIN shown ON shown.attrelid = relation.oid
)

-- read_known --
-- Every known object, what it was wanted to be, and whether it is still as it was left.
WITH asked AS ({known_relations}), {relations}
SELECT asked.name, asked.wanted, present.found IS NOT DISTINCT FROM asked.found
  FROM asked LEFT JOIN present ON present.name = asked.name;

-- read_found --
-- The hash of each of these relations that is there.
WITH asked AS ({given}), {relations}
SELECT name, found FROM present;

-- read_known_rows --
-- What is known of rows of control tables.
SELECT name, wanted, found FROM {known} WHERE pg_catalog.left(name, 5) = 'rows:';

-- read_unknown_views --
-- Views of the role that are in the schema and not known.
SELECT c.relname
  FROM pg_catalog.pg_class AS c
 WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s) AND c.relkind = 'v'
   AND c.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(owner)s)
   AND NOT EXISTS (SELECT FROM {known} AS k WHERE k.name = c.relname::text);

-- read_platform_rows --
-- A hash of a platform's rows in the control tables, by the transactions that wrote them.
SELECT pg_catalog.concat(
    (SELECT pg_catalog.concat(pg_catalog.count(*), '/', pg_catalog.bit_xor(
                pg_catalog.hashtextextended(pg_catalog.concat_ws(E'\x1f', stream_key, s.xmin::text), 0)))
       FROM {stream_plan} AS s), '/',
    (SELECT pg_catalog.concat(pg_catalog.count(*), '/', pg_catalog.bit_xor(
                pg_catalog.hashtextextended(pg_catalog.concat_ws(E'\x1f', stream_key, s.xmin::text), 0)))
       FROM {airflow_dsg} AS s), '/',
    (SELECT s.xmin::text FROM {platform} AS s WHERE s.platform = %(platform_name)s));

-- read_deployed_row --
-- The number of the deployed revision's row; a row never changes its model.
SELECT id FROM {revision}
 WHERE outcome = ANY (%(outcomes)s::text[]) ORDER BY id DESC LIMIT 1;

-- write_known --
-- Remember objects as they are now; one that is remembered so already is not written.
INSERT INTO {known} AS known (name, wanted, found)
SELECT given.name, given.wanted, given.found
  FROM ROWS FROM (pg_catalog.unnest(%(names)s::text[]), pg_catalog.unnest(%(wanted)s::text[]),
                 pg_catalog.unnest(%(found)s::text[])) AS given (name, wanted, found)
    ON CONFLICT (name) DO UPDATE SET wanted = excluded.wanted, found = excluded.found
 WHERE (known.wanted, known.found) IS DISTINCT FROM (excluded.wanted, excluded.found);

-- forget_known --
-- Forget objects.
DELETE FROM {known} WHERE name = ANY (%(names)s::text[]);
