package fail

func explainBatches() []Explanation {
	return []Explanation{
		explain(BatchChanged, "The app, the items or the number of shards is not the one of the batch's plan. Nothing was changed, and nothing was started.",
			[]string{"the items file was edited after it was planned", "the author of the app changed its inputs", "`--shards` or `--shard` names another number of shards"},
			[]string{"plan the batch as it is now; what is done stays done: the same command with `--accept-changes`", "plan the new items in a folder of their own: `lamina batch plan APP ITEMS --out OTHER`"}),
		explain(BatchUnusable, "The folder of a batch cannot be used. Nothing was started.",
			[]string{"the folder has other files, and no plan", "another version of lamina wrote the plan", "a file of the plan was changed, cut off or removed",
				"the plan is of another app, workspace or service"},
			[]string{"plan the batch: `lamina batch plan APP ITEMS --out DIR`", "restore the folder from where it was copied", "sign in to the workspace of the plan: `lamina login --profile NAME`"}),
		explain(BatchBusy, "Another process runs this batch, plans it or cancels it. Nothing was changed.",
			[]string{"a `lamina batch run DIR` of the same shard", "a plan that is being written into the same folder"},
			[]string{"wait until it ends: `lamina batch status DIR`", "give each process a shard of its own: `lamina batch run DIR --shard 0/2`"}),
		explain(BatchFailed, "The batch is over, or ended because of --max-failures, and some of its items did not complete. What they are and why is in the folder of the batch.",
			[]string{"runs that failed, or were cancelled", "inputs that the service refused", "items that are held: the response to their start was lost, and the list of runs does not tell whether there is a run"},
			[]string{"look at them: `lamina batch results DIR --status failed`", "start them again: `lamina batch retry DIR --failed`, then `lamina batch run DIR`",
				"for items that are held: `lamina batch retry DIR --unknown`; if the lost start had an effect, the item is paid for twice"}),
		explain(BatchStopped, "The batch was ended before it was over. Nothing is lost: the runs that were started go on at the service.",
			[]string{"the time limit of --time-limit", "Ctrl-C, or a signal of the system or of a scheduler", "`lamina batch cancel DIR` in another terminal"},
			[]string{"continue: `lamina batch run DIR`"}),
	}
}
