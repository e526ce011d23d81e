"""One module for each change of the tables, in order. Once released, a migration is never changed."""
