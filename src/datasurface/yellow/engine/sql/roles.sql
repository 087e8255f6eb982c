-- Roles that the model merge makes; the functions are of `datasurface init`.

-- act_as --
-- Take a role's rights until the transaction ends.
SET LOCAL ROLE {role};

-- act_as_oneself --
-- Take one's own rights again.
SET LOCAL ROLE NONE;

-- make_role --
-- Make a role without login by one of the two functions, or accept it where that made it before.
SELECT {function}(%(role)s);
