#!/bin/bash
# test_kill.sh with a hundred kills and a hundred cuts.
exec bash "$(dirname "$0")/test_kill.sh" "$1" "$2" 100
