package fail

import "slices"

// Explanations returns the explanation of each code, in the order of code.go's groups.
func Explanations() []Explanation {
	return slices.Concat(explainFailures(), explainUsage(), explainRuns(), explainAuth(), explainSignIn(), explainKeyring(), explainService())
}

func explainFailures() []Explanation {
	return []Explanation{
		explain(Unknown, "A failure without a code of its own. The message describes it.",
			[]string{"a file that could not be read or written", "a full disk", "a response of the service that fits no other code"},
			[]string{"read the message", "see the requests and responses: the same command with `--debug`", "check this machine: `lamina doctor`"}),
		explain(ConfigUnusable, "The folder ~/.lamina, or a file that a sign-in needs, cannot be used. Nothing was changed.",
			[]string{"an editor or a full disk damaged the file", "it belongs to another user, often after sudo, or others can change it", "it is immutable or on a read-only mount", "a newer lamina wrote it", "HOME is not set",
				"the private key of a sign-in with --client-key is missing, or other users can read it"},
			[]string{"see what is wrong with it: `lamina doctor`", "repair its permissions: `lamina doctor --fix`",
				"start with a new file; the damaged one is kept beside it: `lamina login`", "use another folder: `export LAMINA_CONFIG_DIR=FOLDER`"}),
		explain(Busy, "Another lamina process held a lock for longer than a request may take (35 seconds by default). Nothing was changed, and a retry is safe.",
			[]string{"a refresh of the session over a very slow network", "a command that was stopped with Ctrl-Z while it wrote"},
			[]string{"try again in a moment", "see which process holds it: `lamina doctor`", "continue or end the stopped command"}),
		explain(Forbidden, "The service accepts the credential, but the account may not do this.",
			[]string{"the role in the workspace lacks the permission", "the app or run belongs to another workspace", "the session was granted fewer scopes"},
			[]string{"see the account and the workspace: `lamina whoami`", "ask an owner of the workspace", "sign in to another account: `lamina login --profile NAME`"}),
		explain(FileExists, "The target file exists already. It was not replaced.",
			[]string{"the same download was made before"},
			[]string{"choose another name", "replace it with `--force`"}),
		explain(DownloadFailed, "An output could not be saved. The run is complete, and its outputs are still at the service.",
			[]string{"the connection was closed", "the address of the output has expired", "the disk is full", "the output has an address that may not be fetched"},
			[]string{"download it again: `lamina runs download RUN`", "see the outputs: `lamina runs get RUN`"}),
		explain(UploadFailed, "The file storage refused the bytes of a file. The service itself had agreed to the upload.",
			[]string{"the signed address expired before the upload began", "the file changed while it was read", "a proxy changed the request"},
			[]string{"upload the file again: it gets a new address", "see the requests and responses: the same command with `--debug`"}),
		explain(FilterFailed, "The command succeeded, and the jq expression then failed on the data.",
			[]string{"a list where the expression expects an object, or the reverse", "a missing field"},
			[]string{"look at the data first: the same command with `--json`", "before you repeat a command that starts something, check what it did: `lamina runs list`"}),
		explain(AddressInUse, "The program cannot listen on a local address, because another program already does.",
			[]string{"another `lamina dev`, or another program on the same port", "another `lamina login` waits on the port of `--callback-port`"},
			[]string{"for the local platform, use any free port: `lamina dev --addr 127.0.0.1:0`", "for a sign-in, end the program that uses the port, or use a code: `lamina login --device`"}),
		explain(DemoFailed, "`lamina demo` stopped at one of its steps.",
			[]string{"the error names the step and its cause"},
			[]string{"check this machine: `lamina doctor`", "try again: `lamina demo`"}),
		explain(KeysFound, "`lamina auth scan` found what looks like API keys. Everyone who sees the files, or a copy of the repository, can use them.",
			[]string{"a key in the source, in a test or in a note", "a key that was removed from the file, but is still in the history"},
			[]string{"revoke the key first, where it was created", "then remove it from the file; rewriting the history comes last",
				"if it is not a key, add `lamina:allow-key` to its line"}),
		explain(ScanIncomplete, "`lamina auth scan` could not read everything that it was asked to scan, so it cannot say that there is no key.",
			[]string{"a file or a folder may not be read, or a named file is not text", "git is missing, or does not read the repository"},
			[]string{"the output names what was not read: change its permissions, or name other files",
				"ask git: `git status`", "scan a folder without its history: `lamina auth scan --no-history`"}),
		explain(CheckFailed, "A check of `lamina doctor` failed that has no code of its own: the clock, the loopback address, a lock.",
			[]string{"the line of the check names it"},
			[]string{"run the command below the failed check", "repair what is safe to repair: `lamina doctor --fix`"}),
	}
}

func explainUsage() []Explanation {
	return []Explanation{
		explain(InvalidArgument, "A flag, an argument or a variable is wrong, or the service calls the request invalid.",
			[]string{"a misspelt flag", "a value of the wrong type", "flags that contradict each other", "a variable such as LAMINA_BASE_URL with an unusable value"},
			[]string{"see the flags and arguments: the same command with `--help`"}),
		explain(InvalidProvider, "The file that describes a service, below providers/ in the configuration folder, cannot be used. Nothing was sent.",
			[]string{"a misspelt field", "a value that the field cannot have", "a name that differs from the name of the file"},
			[]string{"correct what the error names", "see the fields: docs/providers/README.md"}),
		explain(InvalidProject, "The project config .lamina.toml cannot be used. Nothing was sent.",
			[]string{"a misspelt name or value", "a secret in it", "a file that another user created"},
			[]string{"correct or remove the file that the error names"}),
		explain(InvalidInputs, "The inputs do not match the app. Nothing was started, and nothing was spent.",
			[]string{"a required input is missing", "a value has the wrong type, or is not one of the allowed ones", "an input that the app does not have"},
			[]string{"see the inputs: `lamina apps get APP`", "in JSON, `details` lists every problem"}),
		explain(InvalidFilter, "The value of --jq is not a jq expression. Nothing was sent.",
			[]string{"the shell removed a quote or a dollar sign", "a misspelt function"},
			[]string{"put the expression in single quotes"}),
		explain(UnknownCommand, "There is no such command.", []string{"a misspelt word", "a flag before the command that took the command as its value"},
			[]string{"list the commands: `lamina --help`"}),
		explain(NoCommand, "This word only groups other commands, and none was given.", []string{"`lamina runs` without `list` or `get`"},
			[]string{"list its commands: the same with `--help`"}),
	}
}

func explainRuns() []Explanation {
	return []Explanation{
		explain(RunFailed, "The run itself failed. The command worked.",
			[]string{"an input that the app cannot process", "a failure inside the service", "at Lamatic: an unknown workflow ID, inputs that do not match the workflow, or a workflow that failed"},
			[]string{"see why: `lamina runs get RUN`", "start it again with other inputs", "at Lamatic: read the logs of the workflow in Studio"}),
		explain(RunCancelled, "The run was cancelled.", []string{"`lamina runs cancel RUN`, on this machine or another", "a user of the web application"},
			[]string{"start it again, if that was a mistake"}),
		explain(StillRunning, "The waiting time is over. The run continues, and nothing is lost.",
			[]string{"a run that takes longer than --timeout"},
			[]string{"continue waiting: `lamina runs wait RUN --timeout 30m`", "at Lamatic: `lamina lamatic status REQUEST_ID --wait`", "stop it: `lamina runs cancel RUN`"}),
		explain(UnknownOutcome, "The response to a request that costs or creates something was lost. A run may have started, a call may count, a key may exist.",
			[]string{"the connection was closed after the request was sent", "a proxy that gave up waiting", "at Lamatic also a failure of the service, or an interrupted stream"},
			[]string{"check before you try again: `lamina runs list`, `lamina laghav keys list`", "at Lamatic: read the logs of the workflow in Studio"}),
		explain(NotFound, "The app, run, address or name does not exist in your workspace.",
			[]string{"a misspelt id", "it belongs to another workspace", "LAMINA_BASE_URL names another service"},
			[]string{"list what exists: `lamina apps list`, `lamina runs list`", "see the workspace: `lamina whoami`"}),
		explain(QuotaExceeded, "Credits, a budget or the calls of a plan are used up, or a run may cost more than max-credits. A retry does not help, so the command makes none.",
			[]string{"the credits of the plan are used up", "the calls of the month or of the day are used up", "a budget with a hard limit is spent"},
			[]string{"wait for the next period, or buy more at the service", "the message names the limit: credits, a month, a day, a budget"}),
		explain(NotReady, "The service accepts the key, but has no data to work with yet.",
			[]string{"no source is connected, or none is indexed yet"},
			[]string{"finish the setup at the service, then try again"}),
		explain(RateLimited, "Too many requests.",
			[]string{"many commands at once", "others behind the same address"},
			[]string{"wait as long as the message says", "run fewer commands in parallel"}),
	}
}

func explainAuth() []Explanation {
	return []Explanation{
		explain(NotLoggedIn, "There is no credential: no profile is signed in, and LAMINA_API_KEY is not set.",
			[]string{"you never signed in on this machine, or signed out", "another home folder, as with sudo or in a container", "another profile: --profile or LAMINA_PROFILE"},
			[]string{"sign in: `lamina login`", "in CI, set LAMINA_API_KEY"}),
		explain(InvalidKey, "The service does not accept the credential. The message says where it comes from.",
			[]string{"the API key was revoked, or not copied whole", "the key belongs to another service than LAMINA_BASE_URL names", "LAMINA_API_KEY holds an old key, which overrides a valid login"},
			[]string{"see which credential is used: `lamina auth status --offline`", "sign in again: `lamina login`", "remove an old key: `unset LAMINA_API_KEY`"}),
		explain(KeyRevoked, "The key was revoked. It cannot be used again.",
			[]string{"a rotation of keys", "a revocation after a leak"},
			[]string{"create a new key where the old one was created", "save it: `lamina login --provider NAME`"}),
		explain(WrongKeyClass, "The service knows this key, but does not accept it for this request: it is a test key, lacks a permission, or the account is limited.",
			[]string{"a test key on an address for production", "a key without the permission"},
			[]string{"see which key is used: `lamina auth status --provider NAME`", "sign in with another key: `lamina login --provider NAME`"}),
		explain(MisplacedKey, "The key does not belong to the project, the organization or the address that it was sent with.",
			[]string{"a mistyped project id", "the address of another project", "a project that is not deployed", "a key of another organization"},
			[]string{"see the settings: `lamina auth status --provider NAME`", "change them: `lamina login --provider NAME --set NAME=VALUE`"}),
		explain(SessionExpired, "The session is over. Only a new sign-in helps.",
			[]string{"it was not used for 30 days", "it was revoked: by signing out elsewhere, or in the web application",
				"a copy of ~/.lamina was used on another machine", "the response to a refresh was lost; the message then says so"},
			[]string{"sign in again: `lamina login`", "do not copy ~/.lamina to other machines: sign in on each, or use API keys there"}),
		explain(WrongHost, "The credential belongs to another service than the requested one. It was not sent there.",
			[]string{"LAMINA_BASE_URL is still set, perhaps for `lamina dev`", "a file of --env-file names the address, but the key does not come from it"},
			[]string{"use your own service again: `unset LAMINA_BASE_URL`", "or sign in to the other one: `lamina login --profile NAME`"}),
		explain(WrongWorkspace, "The credential does not belong to the requested workspace. Nothing was done.",
			[]string{"--workspace or LAMINA_WORKSPACE names another workspace than the one that you signed in to"},
			[]string{"see the workspace: `lamina whoami`", "sign in to the other one: `lamina login --profile NAME`"}),
	}
}

func explainSignIn() []Explanation {
	return []Explanation{
		explain(Denied, "The sign-in was declined in the browser.", []string{"the user pressed Deny", "the service does not allow this account to use the command line"},
			[]string{"try again: `lamina login`"}),
		explain(LoginTimeout, "The sign-in was not approved in time.", []string{"the page was not opened", "the browser runs on another machine, and its response was not pasted"},
			[]string{"try again: `lamina login`", "approve on any device: `lamina login --device`"}),
		explain(LoginFailed, "The sign-in failed.",
			[]string{"the authorization server refused; the message quotes it", "the authorization server has no device codes", "metadata of the authorization server that cannot be trusted",
				"there is no pending sign-in for --resume"},
			[]string{"try another method: `lamina login --device`, `lamina login --no-browser`", "see the responses: `lamina login --debug`", "look for a cause: `lamina doctor`"}),
		explain(NeedsPerson, "A user is needed, but there is no terminal, or --no-input or CI is set.",
			[]string{"a script, an agent, a cron job or CI"},
			[]string{"in two steps: `lamina login --device --json`", "with a key: set LAMINA_API_KEY, or `lamina login --with-api-key < key.txt`"}),
	}
}

func explainKeyring() []Explanation {
	return []Explanation{
		explain(KeyringAbsent, "The secrets of this profile are encrypted with a key in the OS keyring, and no keyring service runs here.",
			[]string{"a session over SSH, a container or CI, where no desktop runs", "GNOME Keyring or KWallet is not installed or not started"},
			[]string{"start the keyring", "keep the secrets in the file: `lamina login --storage file`", "in CI, set LAMINA_API_KEY"}),
		explain(KeyringLocked, "The keyring is locked, and the user must unlock it.",
			[]string{"a desktop login without a password, which cannot unlock it", "it was locked by hand"},
			[]string{"unlock it in the password program of your desktop, and try again", "keep the secrets in the file: `lamina login --storage file`"}),
		explain(KeyringTimeout, "The keyring did not answer within three seconds. Nothing was changed.",
			[]string{"it waits to be unlocked, perhaps behind another window", "its service hangs"},
			[]string{"look for a prompt on the screen, and try again", "keep the secrets in the file: `lamina login --storage file`"}),
		explain(KeyringFailed, "The keyring answered with an error, which the message quotes.",
			[]string{"a keyring service that is broken or too old"},
			[]string{"check whether other programs can use it", "keep the secrets in the file: `lamina login --storage file`"}),
		explain(KeyringGone, "The encryption key of this profile is no longer in the keyring, so its secrets cannot be decrypted.",
			[]string{"it was deleted in a password program", "another user or another keyring", "~/.lamina was copied from another machine"},
			[]string{"sign in again: `lamina login`"}),
		explain(KeyringMismatch, "The key in the keyring does not decrypt this profile: one of the two was changed.",
			[]string{"profiles.json was restored from a backup", "another program changed the profile or the key"},
			[]string{"sign in again: `lamina login`"}),
	}
}

func explainService() []Explanation {
	return []Explanation{
		explain(Unreachable, "The service could not be connected to, or the connection was closed. Your session is kept.",
			[]string{"no network, or a VPN that is not connected", "a misspelt LAMINA_BASE_URL", "a missing or wrong proxy setting", "a certificate that is not trusted, as behind a company's proxy",
				"`lamina dev` is not running"},
			[]string{"find out which of these it is: `lamina doctor`", "trust a company's certificate: `export LAMINA_CA_FILE=FILE`"}),
		explain(Timeout, "The service was connected to, but did not answer in time. Your session is kept.",
			[]string{"a slow network", "a service under load"},
			[]string{"try again", "allow more time: `export LAMINA_REQUEST_TIMEOUT=60s`", "measure it: `lamina doctor`"}),
		explain(ServerError, "The service failed (5xx). Your session is kept.",
			[]string{"a fault or maintenance of the service", "a gateway in between"},
			[]string{"try again in a moment", "give the request id of the error to the service's support"}),
		explain(Unexpected, "The response does not come from the API.",
			[]string{"a proxy or the login page of a network", "LAMINA_BASE_URL names a web site that is not Lamina"},
			[]string{"find out what answers: `lamina doctor`", "check LAMINA_BASE_URL"}),
		explain(Interrupted, "Ctrl-C, SIGTERM or SIGHUP. A run that had started continues.", []string{"you, or the program that started the command"},
			[]string{"find the run again: `lamina runs list`"}),
	}
}
