package cli

// explanations returns what `lamina explain` knows: one for each code of exit.go, in the order of the exit statuses.
func explanations() []explanation {
	var all []explanation
	for _, part := range [][]explanation{
		explainFailures(), explainUsage(), explainRuns(), explainAuth(), explainSignIn(), explainKeyring(), explainService(),
	} {
		all = append(all, part...)
	}
	return all
}

func explainFailures() []explanation {
	return []explanation{
		explain(codeUnknown, "Something failed that has no code of its own. The words of the error are all there is.",
			[]string{"a file that could not be read or written", "a full disk", "an answer of the service that fits no other code"},
			[]string{"read the message", "see what was sent and answered: the same command with `--debug`", "look for a cause on this machine: `lamina doctor`"}),
		explain(codeConfig, "The folder ~/.lamina, or config.json in it, cannot be read or written. Nothing was changed.",
			[]string{"the file was damaged by an editor or a full disk", "it belongs to another user, often after sudo", "a newer lamina wrote it", "HOME is not set"},
			[]string{"see what is wrong with it: `lamina doctor`", "mend its modes: `lamina doctor --fix`",
				"start anew, keeping the damaged file beside it: `lamina login`", "use another folder: `export LAMINA_CONFIG_DIR=FOLDER`"}),
		explain(codeBusy, "Another lamina holds a lock for longer than ten seconds. Nothing was changed, and trying again is safe.",
			[]string{"a refresh of the session over a very slow network", "a command that was stopped with Ctrl-Z while it wrote"},
			[]string{"try again in a moment", "see who holds it: `lamina doctor`", "let a stopped command go on, or end it"}),
		explain(codeForbidden, "The service knows you, but does not allow this to you.",
			[]string{"your role in the workspace is too low", "the app or run belongs to another workspace", "the session was granted fewer scopes"},
			[]string{"see who and where you are: `lamina whoami`", "ask an owner of the workspace", "sign in to another account: `lamina login --profile NAME`"}),
		explain(codeFileExists, "A file is in the way of what was to be saved. It was not replaced.",
			[]string{"the same download was made before"},
			[]string{"choose another name", "replace it with `--force`"}),
		explain(codeDownload, "An output could not be saved. The run is done, and its outputs are still at the service.",
			[]string{"the connection was cut", "the address of the output has expired", "the disk is full", "the output is not at an address that may be fetched"},
			[]string{"fetch it again: `lamina runs download RUN`", "see the outputs: `lamina runs get RUN`"}),
		explain(codeUpload, "The storage that the bytes of a file go to refused them. The service itself had agreed.",
			[]string{"the signed address expired before the upload began", "the file changed while it was read", "a proxy changed the request on its way"},
			[]string{"upload the file again: it gets a new address", "see the exchange: the same command with `--debug`"}),
		explain(codeFilterFailed, "The command did its work, and the jq expression then failed on the data.",
			[]string{"a list where the expression expects an object, or the other way round", "a field that is not there"},
			[]string{"look at the data first: the same command with `--json`", "for a command that starts something, look at what it did before you repeat it: `lamina runs list`"}),
		explain(codeAddressInUse, "The program cannot listen at an address of this machine, because something listens there already.",
			[]string{"another `lamina dev`, or another program with the same port", "another `lamina login` waits on the port of `--callback-port`"},
			[]string{"for the local platform, take any free port: `lamina dev --addr 127.0.0.1:0`", "for a sign-in, end the program that has the port, or use a code: `lamina login --device`"}),
		explain(codeDemo, "`lamina demo` stopped at one of its steps.",
			[]string{"the error names the step and its cause"},
			[]string{"look for a cause on this machine: `lamina doctor`", "try it again: `lamina demo`"}),
		explain(codeKeysFound, "`lamina auth scan` found what looks like API keys. Whoever sees the files, or a copy of the repository, can use them.",
			[]string{"a key in the source, in a test or in a note", "a key that was removed from the file, but is still in the history"},
			[]string{"make the key useless first: revoke it where it was made", "then take it out of the file; removing it from the history comes last",
				"what is no key: write `lamina:allow-key` on its line"}),
		explain(codeCheckFailed, "A check of `lamina doctor` failed, of a kind that has no code of its own: the clock, the loopback address, a lock.",
			[]string{"the line of the check names it"},
			[]string{"type what stands below the failed check", "mend what is safe to mend: `lamina doctor --fix`"}),
	}
}

func explainUsage() []explanation {
	return []explanation{
		explain(codeInvalidArgument, "A flag or an argument is wrong, or the service calls the request invalid.",
			[]string{"a misspelt flag", "a value of the wrong kind", "flags that contradict each other", "a variable such as LAMINA_BASE_URL with a value that cannot be used"},
			[]string{"see what the command takes: the same command with `--help`"}),
		explain(codeInvalidProvider, "The file that describes a service, below providers/ in the configuration folder, cannot be used. Nothing was sent.",
			[]string{"a misspelt field", "a value that the field cannot have", "a name that is not that of the file"},
			[]string{"correct what the error names", "see the fields: docs/providers/README.md"}),
		explain(codeInvalidPin, "The file .lamina.toml, which pins a folder to an account, cannot be used. Nothing was sent.",
			[]string{"a misspelt name or value in it", "something secret in it", "a file that another user put there"},
			[]string{"correct or remove the file that the error names"}),
		explain(codeInvalidInputs, "The inputs are not what the app takes. Nothing was started, and nothing was spent.",
			[]string{"a required input is missing", "a value is of the wrong type, or none of those allowed", "an input that the app does not have"},
			[]string{"see the inputs: `lamina apps get APP`", "in JSON, `details` has every problem"}),
		explain(codeInvalidFilter, "What --jq got is no jq expression. Nothing was sent.",
			[]string{"a quote or a dollar sign that the shell took away", "a misspelt function"},
			[]string{"put the expression in single quotes"}),
		explain(codeUnknownCommand, "There is no such command.", []string{"a misspelt word", "a flag before the command that took it as its value"},
			[]string{"list the commands: `lamina --help`"}),
		explain(codeNoCommand, "This word needs one more: it only holds other commands.", []string{"`lamina runs`, say, without `list` or `get`"},
			[]string{"list its commands: the same with `--help`"}),
	}
}

func explainRuns() []explanation {
	return []explanation{
		explain(codeRunFailed, "The run itself failed. The program did all it should.",
			[]string{"an input that the app cannot work with", "a failure inside the service", "at Lamatic: a workflow ID that does not exist, inputs that are not the workflow's, or a workflow that failed"},
			[]string{"see why: `lamina runs get RUN`", "start it again with other inputs", "at Lamatic: read the logs of the workflow in Studio"}),
		explain(codeRunCancelled, "The run was cancelled.", []string{"`lamina runs cancel RUN`, here or elsewhere", "somebody in the web application"},
			[]string{"start it again, if that was a mistake"}),
		explain(codeStillRunning, "The waiting time is over. The run goes on, and nothing is lost.",
			[]string{"a run that takes longer than --timeout"},
			[]string{"go on waiting: `lamina runs wait RUN --timeout 30m`", "at Lamatic: `lamina lamatic status REQUEST_ID --wait`", "stop it: `lamina runs cancel RUN`"}),
		explain(codeUnknownOutcome, "The answer to something that costs or makes something was lost on the way. A run may have started, a call may count, a key may have been made.",
			[]string{"a connection that was cut after the request was sent", "a proxy that gave up waiting", "at Lamatic also a failure of the service, or a stream that broke off"},
			[]string{"look before you try again: `lamina runs list`, `lamina laghav keys list`", "at Lamatic: look at the logs of the workflow in Studio"}),
		explain(codeNotFound, "There is no such app, run or address in your workspace, or no such thing by this name.",
			[]string{"a misspelt id", "it belongs to another workspace", "LAMINA_BASE_URL names another service"},
			[]string{"list what there is: `lamina apps list`, `lamina runs list`", "see which workspace this is: `lamina whoami`"}),
		explain(codeQuota, "What was bought, allowed or budgeted is used up. Waiting for a minute does not help, and nothing is tried again.",
			[]string{"the calls of the month or of the day are used up", "a budget with a hard stop is spent"},
			[]string{"wait for the next period, or buy more at the service", "see what the error names: a month, a day, a budget"}),
		explain(codeNotReady, "The key is good, but the service has nothing to work with yet.",
			[]string{"no source is connected, or none is indexed yet"},
			[]string{"finish the set-up at the service, then try again"}),
		explain(codeRateLimited, "Too many requests, or not enough credits.",
			[]string{"many commands at once", "a plan whose credits are used up", "others behind the same address"},
			[]string{"wait as long as the message says", "run fewer commands side by side"}),
	}
}

func explainAuth() []explanation {
	return []explanation{
		explain(codeNotLoggedIn, "There is no credential: nobody is signed in, and LAMINA_API_KEY is not set.",
			[]string{"you never signed in on this machine, or signed out", "another home folder, as in sudo or a container", "another profile: --profile or LAMINA_PROFILE"},
			[]string{"sign in: `lamina login`", "in CI, set LAMINA_API_KEY"}),
		explain(codeInvalidKey, "The service does not accept the credential.",
			[]string{"the API key was revoked, or copied in part", "the key belongs to another service than LAMINA_BASE_URL names", "LAMINA_API_KEY holds an old key, which wins over a good login"},
			[]string{"see which credential is used: `lamina auth status --offline`", "sign in again: `lamina login`", "drop an old key: `unset LAMINA_API_KEY`"}),
		explain(codeKeyRevoked, "The service knows this key, and somebody revoked it. It will not work again.",
			[]string{"a rotation of keys", "a leak, and somebody who acted"},
			[]string{"make a new key where the old one was made", "keep it: `lamina login --provider NAME`"}),
		explain(codeWrongKeyClass, "The service knows this key, but does not take it for this: it is a key for trying, lacks a permission, or the account is limited.",
			[]string{"a test key on an address for production", "a key without the permission"},
			[]string{"see which key is used: `lamina auth status --provider NAME`", "sign in with another key: `lamina login --provider NAME`"}),
		explain(codeMisplacedKey, "The key does not fit the project, the organization or the address that it was sent with.",
			[]string{"a project id that was mistyped", "the address of another project", "a project that is not deployed", "a key of another organization"},
			[]string{"see what is set: `lamina auth status --provider NAME`", "set it anew: `lamina login --provider NAME --set NAME=VALUE`"}),
		explain(codeSessionExpired, "The session is over. It was not ended by this program, and nothing but signing in again brings it back.",
			[]string{"it was not used for 30 days", "it was revoked: by signing out elsewhere, or in the web application",
				"a copy of config.json was used on another machine", "the answer to a renewal was lost on the way; the message then says so"},
			[]string{"sign in again: `lamina login`", "do not copy config.json to other machines: sign in on each, or use API keys there"}),
		explain(codeWrongHost, "The login belongs to another service than the one asked for. It was not sent there.",
			[]string{"LAMINA_BASE_URL is still set, perhaps for `lamina dev`"},
			[]string{"go back to your own: `unset LAMINA_BASE_URL`", "or sign in there, too: `lamina login --profile NAME`"}),
		explain(codeWrongWorkspace, "The credential is not of the workspace that was asked for. Nothing was done.",
			[]string{"--workspace or LAMINA_WORKSPACE names another one than you signed in to"},
			[]string{"see which it is: `lamina whoami`", "sign in to the other one: `lamina login --profile NAME`"}),
	}
}

func explainSignIn() []explanation {
	return []explanation{
		explain(codeDenied, "The sign-in was declined in the browser.", []string{"somebody pressed Deny", "the service does not let this account use the command line"},
			[]string{"try again: `lamina login`"}),
		explain(codeLoginTimeout, "Nobody approved the sign-in in time.", []string{"the page was not opened", "the browser runs on another machine, and its answer was not pasted"},
			[]string{"try again: `lamina login`", "approve on any device: `lamina login --device`"}),
		explain(codeLogin, "The sign-in failed.",
			[]string{"the service refused, and the message quotes it", "the service has no device codes", "a description of the service that must not be believed",
				"no sign-in is waiting to be finished with --resume"},
			[]string{"try another way: `lamina login --device`, `lamina login --no-browser`", "see what was answered: `lamina login --debug`", "look for a cause: `lamina doctor`"}),
		explain(codeNoPerson, "A sign-in needs a person, and there is none: no terminal, or CI is set.",
			[]string{"a script, an agent, a cron job or CI"},
			[]string{"in two steps: `lamina login --device --json`", "with a key: set LAMINA_API_KEY, or `lamina login --with-api-key < key.txt`"}),
	}
}

func explainKeyring() []explanation {
	return []explanation{
		explain(codeKeyringAbsent, "The secrets of this login are sealed with a key in the OS keyring, and there is no keyring service here.",
			[]string{"a session over SSH, a container or CI, where no desktop runs", "GNOME Keyring or KWallet is not installed or not started"},
			[]string{"start the keyring", "keep the secrets in the file: `lamina login --storage file`", "in CI, set LAMINA_API_KEY"}),
		explain(codeKeyringLocked, "The keyring is locked, and a person has to unlock it.",
			[]string{"a login without a password, so that the desktop could not unlock it", "you locked it"},
			[]string{"unlock it in the password program of your desktop, and try again", "keep the secrets in the file: `lamina login --storage file`"}),
		explain(codeKeyringTimeout, "The keyring did not answer within three seconds. Nothing was changed.",
			[]string{"it waits for somebody to unlock it, perhaps behind another window", "its service hangs"},
			[]string{"look for a question on the screen, and try again", "keep the secrets in the file: `lamina login --storage file`"}),
		explain(codeKeyringFailed, "The keyring answered with an error. The message quotes it.",
			[]string{"a keyring service that is broken or too old"},
			[]string{"see whether other programs can use it", "keep the secrets in the file: `lamina login --storage file`"}),
		explain(codeKeyringGone, "The key to this login is no longer in the keyring, so its secrets cannot be opened.",
			[]string{"it was deleted in a password program", "another user or another keyring", "config.json was copied from another machine"},
			[]string{"sign in again: `lamina login`"}),
		explain(codeKeyringMismatch, "The key in the keyring does not open this login: one of the two was changed.",
			[]string{"config.json was restored from a backup", "another program changed the login or the key"},
			[]string{"sign in again: `lamina login`"}),
	}
}

func explainService() []explanation {
	return []explanation{
		explain(codeUnreachable, "No connection to the service came about, or it was cut. Your session is kept.",
			[]string{"no network, or a VPN that is not connected", "a misspelt LAMINA_BASE_URL", "a proxy that is not set, or set wrongly", "a certificate that is not trusted, as behind a company's proxy",
				"`lamina dev` is not running"},
			[]string{"find out which of these it is: `lamina doctor`", "trust a company's certificate: `export LAMINA_CA_FILE=FILE`"}),
		explain(codeTimeout, "The service was reached, and did not answer in time. Your session is kept.",
			[]string{"a slow network", "a service under load"},
			[]string{"try again", "give it more time: `export LAMINA_REQUEST_TIMEOUT=60s`", "measure it: `lamina doctor`"}),
		explain(codeServer, "The service itself failed (5xx). Your session is kept.",
			[]string{"a fault or maintenance at the service", "a gateway in between"},
			[]string{"try again in a moment", "tell the service's support the request id that the error names"}),
		explain(codeUnexpected, "Something answered, but not the API.",
			[]string{"a proxy or a hotel's login page", "LAMINA_BASE_URL names a web site that is not Lamina"},
			[]string{"find out who answers: `lamina doctor`", "check LAMINA_BASE_URL"}),
		explain(codeInterrupted, "Ctrl-C, or SIGTERM. A run that had started goes on.", []string{"you, or whatever started the command"},
			[]string{"find the run again: `lamina runs list`"}),
	}
}
