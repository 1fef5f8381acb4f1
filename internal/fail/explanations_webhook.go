package fail

func explainWebhooks() []Explanation {
	return []Explanation{
		explain(DeliveryFailed, "A webhook delivery could not be passed on: a receiver did not accept it, or the command of --exec failed. The delivery is still in the inbox.",
			[]string{"the receiver is not running, or on another port", "it answered with a status other than 2xx", "the command ended with an error"},
			[]string{"see the deliveries: `lamina webhook list`", "send it again: `lamina webhook replay RUN --to URL`"}),
		explain(InvalidDelivery, "The webhook delivery could not be verified: it must not be trusted.",
			[]string{"the body was changed after it was signed, perhaps by a program that formatted it", "it was signed with another key, or by another service",
				"it was signed more than 5 minutes ago, or the clock of this machine is wrong", "a header is missing or malformed"},
			[]string{"verify the bytes of the body as they arrived", "check an old delivery at its time: `lamina webhook verify FILE --at TIME`",
				"see the keys: `lamina webhook signing-key`", "trust what `lamina webhook trigger` signs: `--trust-local`"}),
		explain(NoDelivery, "No webhook delivery arrived within the waiting time.",
			[]string{"no run ended", "the run was started without `--webhook`", "the service cannot reach this machine: it needs a tunnel"},
			[]string{"wait longer, with `--timeout`", "follow the runs without a tunnel: `lamina webhook listen --poll`"}),
	}
}
