package provider

import "time"

// Lamatic is lamatic.ai, whose flows are run through one GraphQL address for each project.
func Lamatic() Provider {
	return Provider{
		Name: "lamatic", Title: "Lamatic", Aliases: []string{"lamatic.ai"},
		Source:      "lamatic.ai/docs, Authentication with API keys; the lamatic SDKs",
		BaseURLEnv:  []string{"LAMATIC_ENDPOINT", "LAMATIC_API_URL"},
		BaseURLHelp: "the Project URL of the project, the GraphQL address in its settings in Studio",
		KeyHeader:   "Authorization", KeyScheme: "Bearer",
		EnvKey:      "LAMATIC_API_KEY",
		RequestTime: 2 * time.Minute, // as the limit of Lamatic's SDK for an execution
		KeysHelp:    "in Studio: Settings, API Keys, Create a New API Key; then deploy the project again",
		Settings: []Setting{{
			Name: "project-id", Title: "Project ID", Header: "x-project-id", Env: []string{"LAMATIC_PROJECT_ID"},
			Required: true, Help: "in the settings of the project, in Studio",
		}},
		Checks: []Check{{
			Method: "POST", Body: `{"query":"{ __typename }"}`,
			Proves: "the service did not refuse the key; it documents no way to check one without running a flow",
		}},
		Errors: Errors{Message: []string{"errors.0.message", "message", "error"}, Code: []string{"errors.0.extensions.code"}},
		Rules: []Rule{
			{
				Status: 401, Kind: Refused, Explanation: "the key is wrong or expired, or the project was not deployed after the key was made",
				Hint: "deploy the project in Studio",
			},
			{Status: 403, Kind: Refused, Explanation: "an access token has expired"},
			{
				Status: 404, Kind: Misplaced, Explanation: "the Project ID or the Project URL is wrong, or the project is not deployed",
				Set: []string{"project-id=ID", "url=URL"},
			},
			{Status: 429, Kind: RateLimited},
		},
	}
}
