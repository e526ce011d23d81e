#!/bin/sh
# Stands for an attacker's tool. It says who and where it is, and does nothing else.
echo "tool ran as $(id -un) on $(uname -n)"
