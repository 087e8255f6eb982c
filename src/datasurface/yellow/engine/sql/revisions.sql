-- Statements of revisions.py.

-- read_deployed --
-- The revision that is deployed: the last one applied or rolled back to.
SELECT revision, model, plan_hash, pinned FROM {revision}
 WHERE outcome = ANY (%(outcomes)s::text[]) ORDER BY id DESC LIMIT 1;

-- read_deployed_revision --
-- The same without the model, which is large.
SELECT revision, plan_hash, pinned FROM {revision}
 WHERE outcome = ANY (%(outcomes)s::text[]) ORDER BY id DESC LIMIT 1;

-- read_last --
-- The last decision about any revision.
SELECT revision, outcome, plan_hash, findings FROM {revision} ORDER BY id DESC LIMIT 1;

-- read_last_decision --
-- The last decision with one of these outcomes, for people.
SELECT revision, outcome, applied_at, findings FROM {revision}
 WHERE outcome = ANY (%(outcomes)s::text[]) ORDER BY id DESC LIMIT 1;

-- record_revision --
-- Add a decision; it holds from the moment its transaction commits.
INSERT INTO {revision} (revision, parent, author, committed_at, outcome, findings, model, plan_hash, pinned)
VALUES (%(revision)s, %(parent)s, %(author)s, %(committed_at)s, %(outcome)s, %(findings)s, %(model)s, %(plan_hash)s, false);
