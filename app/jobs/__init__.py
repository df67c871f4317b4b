"""Work that takes time, and the one door to the engine."""
