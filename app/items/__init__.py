"""List and table models, delegates and graphics items."""
