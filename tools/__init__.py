"""Programs of the repository itself, called by make; nothing of the product imports them."""
