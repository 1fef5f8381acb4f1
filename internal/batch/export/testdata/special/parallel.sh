#!/bin/bash
# Runs batch b-0123456789 with GNU parallel: each job runs one of the 4 shards. Made by: lamina batch export --for parallel
#
# The key is in the file ~/.lamina-key, or in the one that BATCH_KEY_FILE names. Only you may read it:
#   (umask 077; cat > ~/.lamina-key)
#
# Start, or resume:  bash FILE
# Look:              lamina batch status '/data/it'\''s "a" $(touch x) ${{ secrets.KEY }} {{item}} {} @SHARDS@ # : %a `id` *'
#
# The log of the jobs is in the folder of the batch. The next start skips the shards that ended with status 0, and resumes the others;
# GNU parallel makes no other difference between statuses. Add flags of `lamina batch run` to the last line, such as --concurrency.
# For jobs on other machines, add --sshloginfile FILE --env BATCH_DIR to parallel; the machines share the folder, and have a key of their own.
set -u

if [[ -z ${LAMINA_API_KEY:-} ]]; then
	LAMINA_API_KEY=$(<"${BATCH_KEY_FILE:-$HOME/.lamina-key}") || exit 4
fi
export LAMINA_API_KEY
export LAMINA_BASE_URL='http://127.0.0.1:8799'
export PARALLEL_SHELL=/bin/sh
export BATCH_DIR='/data/it'\''s "a" $(touch x) ${{ secrets.KEY }} {{item}} {} @SHARDS@ # : %a `id` *'
seq 0 3 |
	parallel --jobs 4 --joblog "$BATCH_DIR/parallel-1a2b3c4d-4.joblog" --resume-failed --tag --line-buffer --termseq TERM,8000,KILL,25 \
		'exec lamina batch run "$BATCH_DIR" --shard {}/4'
