"""Provisioning: a tool's Ansible playbooks, run against builders and the nodes of a live range, and nothing else."""
