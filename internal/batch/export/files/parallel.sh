#!/bin/bash
# Runs batch @BATCH@ with GNU parallel: each job runs one of the @SHARDS@ shards. Made by: lamina batch export --for parallel
#
# The key is in the file ~/.lamina-key, or in the one that BATCH_KEY_FILE names. Only you may read it:
#   (umask 077; cat > ~/.lamina-key)
#
# Start, or resume:  bash FILE
# Look:              lamina batch status @SHELL_DIR@
#
# The log of the jobs is in the folder of the batch. The next start skips the shards that ended with status 0, and resumes the others;
# GNU parallel makes no other difference between statuses. Add flags of `lamina batch run` to the last line, such as --concurrency.
# For jobs on other machines, add --sshloginfile FILE --env BATCH_DIR to parallel; the machines share the folder, and have a key of their own.
set -u

if [[ -z ${LAMINA_API_KEY:-} ]]; then
	LAMINA_API_KEY=$(<"${BATCH_KEY_FILE:-$HOME/.lamina-key}") || exit 4
fi
export LAMINA_API_KEY
#@BASE_URL@
export PARALLEL_SHELL=/bin/sh
export BATCH_DIR=@SHELL_DIR@
seq 0 @LAST@ |
	parallel --jobs @SHARDS@ --joblog "$BATCH_DIR/@JOBLOG@" --resume-failed --tag --line-buffer --termseq TERM,8000,KILL,25 \
		'exec lamina batch run "$BATCH_DIR" --shard {}/@SHARDS@'
