"""The best of many: estimates with a bound or a measured margin, prepared galleries, shortlists."""
