"""What is open, chosen and shown, as plain values: no Qt, no torch."""
