"""The command line: parse, call one flow, print, map errors to exit codes. Nothing is decided here."""
