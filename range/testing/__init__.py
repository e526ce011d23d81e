"""Stand-ins for the outside world, and the checks that any engine must pass. For tests, ours and our users'."""
