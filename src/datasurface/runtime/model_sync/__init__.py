"""What makes a pushed commit true: watches the checked-out repository, has it loaded, applies it, says what became."""
