-- Statements of view_statements.py, view_facts.py, view_grants.py and view_sync.py.

-- current_of_live --
-- The rows of a merge table that mirrors its source.
SELECT {columns} FROM {merge} AS m

-- current_of_forensic --
-- The rows of a merge table that are open, which is to say present.
SELECT {columns} FROM {merge} AS m WHERE m.ds_surf_batch_out = {open}

-- history --
-- Every version; of the batches in which it began and was replaced only the times are shown.
SELECT {columns}
  FROM {merge} AS m
  LEFT JOIN {metrics} AS began ON began.key = {key} AND began.batch_id = m.ds_surf_batch_in
  LEFT JOIN {metrics} AS ended ON ended.key = {key} AND ended.batch_id = nullif(m.ds_surf_batch_out, {open}) + 1

-- valid_from_batch --
-- The batch that brought a version.
m.ds_surf_batch_in

-- valid_to_batch --
-- The last batch in which a version was valid; null as long as it is.
nullif(m.ds_surf_batch_out, {open})

-- valid_from --
-- When the batch that brought a version committed.
began.batch_end_time

-- valid_to --
-- When the batch committed that replaced or removed a version; null as long as it is valid.
ended.batch_end_time

-- create_view --
-- Make a view, or replace it in place; a condition of the reader's never sees a row that the view leaves out.
CREATE OR REPLACE VIEW {view} WITH (security_barrier = true) AS {query};

-- drop_view --
-- Drop a view, and nothing that depends on it.
DROP VIEW {view};

-- comment_on_view --
-- Say in the catalogue what a view is and which definition it has.
COMMENT ON VIEW {view} IS {comment};

-- grant_on_view --
-- Give a role a right on a view.
GRANT {privilege} ON {view} TO {grantee};

-- grant_on_view_with_option --
-- Give a role a right on a view that it may hand on, as an administrator had done.
GRANT {privilege} ON {view} TO {grantee} WITH GRANT OPTION;

-- revoke_all --
-- Take everything from a role.
REVOKE ALL ON {view} FROM {grantee};

-- read_views --
-- The named relations of a schema, and every view there that belongs to the role and says that it is ours.
SELECT c.relname, c.relkind::text, owner.rolname,
       pg_catalog.obj_description(c.oid, 'pg_class'),
       coalesce('security_barrier=true' = ANY (c.reloptions), false),
       CASE WHEN c.relkind = 'v' THEN pg_catalog.md5(pg_catalog.pg_get_viewdef(c.oid)) END,
       (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
                   CASE WHEN a.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
                   a.privilege_type, a.is_grantable) ORDER BY a.grantee, a.privilege_type), '[]')
          FROM pg_catalog.aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles AS owner ON owner.oid = c.relowner
 WHERE n.nspname = %(schema)s
   AND (c.relname = ANY (%(names)s::text[])
        OR (NOT %(only_named)s AND c.relkind = 'v' AND owner.rolname = %(owner)s
            AND pg_catalog.strpos(pg_catalog.obj_description(c.oid, 'pg_class'), %(marker)s) > 0))
 ORDER BY c.relname;

-- read_stored_text --
-- A hash of what the server keeps of a view's text.
SELECT pg_catalog.md5(pg_catalog.pg_get_viewdef(c.oid))
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = %(schema)s AND c.relname = %(name)s;

-- read_members --
-- The roles that are members of a group, not through another one.
SELECT member.rolname
  FROM pg_catalog.pg_auth_members AS m
  JOIN pg_catalog.pg_roles AS member ON member.oid = m.member
  JOIN pg_catalog.pg_roles AS granted ON granted.oid = m.roleid
 WHERE granted.rolname = %(group)s;

-- read_dependents --
-- What depends on relations of a schema directly: views, rules, functions, policies, triggers, publications and tables.
SELECT DISTINCT target.relname, a.attname, dependent.relname, dependent_schema.nspname,
       coalesce(dependent.relkind::text, ''),
       CASE WHEN dependent.oid IS NULL THEN pg_catalog.pg_describe_object(d.classid, d.objid, 0)
            ELSE pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, dependent.oid, 0) END
  FROM pg_catalog.pg_class AS target
  JOIN pg_catalog.pg_namespace AS n ON n.oid = target.relnamespace
  JOIN pg_catalog.pg_depend AS d
    ON (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = target.oid)
    OR (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = target.reltype)
  LEFT JOIN pg_catalog.pg_attribute AS a
    ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND a.attrelid = target.oid AND a.attnum = d.refobjsubid
   AND d.refobjsubid > 0
  LEFT JOIN pg_catalog.pg_rewrite AS r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
  LEFT JOIN pg_catalog.pg_class AS dependent
    ON dependent.oid = CASE d.classid WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN r.ev_class
                                      WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN d.objid END
  LEFT JOIN pg_catalog.pg_namespace AS dependent_schema ON dependent_schema.oid = dependent.relnamespace
 WHERE n.nspname = %(schema)s
   AND target.relname = ANY (%(names)s::text[])
   AND d.deptype IN ('n', 'a')
   AND dependent.oid IS DISTINCT FROM target.oid
   AND coalesce(dependent.relkind, 'r') NOT IN ('i', 'I', 'S', 't')
   AND d.classid NOT IN ('pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass,
                         'pg_catalog.pg_statistic_ext'::pg_catalog.regclass)
 ORDER BY 1, 2, 6;

-- limit_asking --
-- Until the end of the transaction, give up on a view that somebody has locked away or that hangs.
SET LOCAL lock_timeout = '10s';
SET LOCAL statement_timeout = '30s';

-- ask --
-- One row of a view, as any reader gets it.
SELECT * FROM {view} LIMIT 1;
