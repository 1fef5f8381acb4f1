package provider

// Lamatic is lamatic.ai, whose flows are run through one GraphQL address for each project.
func Lamatic() Provider {
	return Provider{
		Name: "lamatic", Title: "Lamatic", Aliases: []string{"lamatic.ai"},
		Source:      "lamatic.ai/docs, Authentication with API keys; the lamatic SDKs",
		BaseURLEnv:  []string{"LAMATIC_ENDPOINT", "LAMATIC_API_URL"},
		BaseURLHelp: "the Project URL of the project, the GraphQL address in its settings in Studio",
		KeyHeader:   "Authorization", KeyScheme: "Bearer",
		EnvKey:   "LAMATIC_API_KEY",
		KeysHelp: "in Studio: Settings, API Keys, Create a New API Key; then deploy the project again",
		Settings: []Setting{{
			Name: "project-id", Title: "Project ID", Header: "x-project-id", Env: []string{"LAMATIC_PROJECT_ID"},
			Required: true, Help: "in the settings of the project, in Studio",
		}},
		Checks: []Check{{
			Method: "POST", Body: `{"query":"{ __typename }"}`,
			Proves: "the service did not refuse the key; it documents no way to check one without running a flow",
		}},
		Errors: Errors{Message: []string{"errors.0.message", "message", "error"}, Code: []string{"errors.0.extensions.code"}},
		Answers: []Answer{
			{
				Status: 401, Means: Refused, Says: "the key is wrong or expired, or the project was not deployed after the key was made",
				Try: "deploy the project in Studio, or lamina login --provider lamatic",
			},
			{Status: 403, Means: Refused, Says: "an access token has expired", Try: "lamina login --provider lamatic"},
			{
				Status: 404, Means: Misplaced, Says: "the Project ID or the Project URL is wrong, or the project is not deployed",
				Try: "lamina login --provider lamatic --set project-id=ID --set url=URL",
			},
			{Status: 429, Means: RateLimited},
		},
	}
}
