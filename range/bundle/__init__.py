"""Runs on disk: a run's folder, and the sealed bundle made of it. See names.py for what lies where."""
