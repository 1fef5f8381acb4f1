#!/bin/bash
# Runs batch b-0123456789 as a Slurm array: each task runs one of the 4 shards. Made by: lamina batch export --for slurm
#
# The folder of the batch is on a file system with locks that all nodes share, and lamina is installed on the nodes:
#   '/data/it'\''s "a" $(touch x) ${{ secrets.KEY }} {{item}} {} @SHARDS@ # : %a `id` *'
# The key is in the file ~/.lamina-key, or in the one that BATCH_KEY_FILE names. Only you may read it:
#   (umask 077; cat > ~/.lamina-key)
#
# Start, or resume:     sbatch FILE
# Only shards 2 and 5:  sbatch --array=2,5 FILE
# Look:                 lamina batch status '/data/it'\''s "a" $(touch x) ${{ secrets.KEY }} {{item}} {} @SHARDS@ # : %a `id` *'
#
# Slurm requeues a task by itself when its node fails. The last lines requeue it when the shard can continue; Slurm then waits about
# two minutes. Add flags of `lamina batch run` to its line below, such as --download, --concurrency or --max-credits.
#
#SBATCH --job-name=b-0123456789
#SBATCH --array=0-3
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=256M
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
set -u

if [[ -z ${LAMINA_API_KEY:-} ]]; then
	LAMINA_API_KEY=$(<"${BATCH_KEY_FILE:-$HOME/.lamina-key}") || exit 4
fi
export LAMINA_API_KEY
export LAMINA_BASE_URL='http://127.0.0.1:8799'

# A minute before the time limit Slurm sends SIGTERM to this shell, which passes it on. lamina then stops within 5 seconds, with status 7.
lamina batch run '/data/it'\''s "a" $(touch x) ${{ secrets.KEY }} {{item}} {} @SHARDS@ # : %a `id` *' --shard "$SLURM_ARRAY_TASK_ID/4" &
shard=$!
signalled=
trap 'signalled=yes; kill -TERM "$shard" 2>/dev/null' TERM
while true; do
	wait "$shard"
	status=$?
	if [[ -z $signalled ]]; then
		break
	fi
	signalled=
done

# A task that a user cancels is no longer RUNNING, and stays cancelled.
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
case $status in
1 | 6 | 7 | 8 | 137)
	if ((${SLURM_RESTART_COUNT:-0} < 20)) && [[ $(squeue --noheader --format=%T --jobs="$task") == RUNNING ]]; then
		echo "shard $SLURM_ARRAY_TASK_ID ended with status $status, and is requeued"
		scontrol requeue "$task"
	fi
	;;
esac
exit "$status"
