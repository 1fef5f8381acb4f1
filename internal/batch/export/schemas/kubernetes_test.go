package schemas

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	argo "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// kinds are the golden files of package export: usual values, and special ones.
var kinds = []string{"plain", "special"}

// documents returns the YAML documents of a golden file.
func documents(t *testing.T, kind, file string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", kind, file))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(text, []byte("\n---\n"))
}

// decode reads a document as the API server does with --validate=strict: an unknown or repeated field is an error, and so is one with
// other upper and lower case letters.
func decode(t *testing.T, document []byte, into any) {
	t.Helper()
	if err := strict(document, into); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
}

func strict(document []byte, into any) error {
	raw, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return err
	}
	problems, err := json.UnmarshalStrict(raw, into)
	return errors.Join(append(problems, err)...)
}

// checkVolume checks the first two documents, which Kubernetes and Argo have in common.
func checkVolume(t *testing.T, all [][]byte) {
	t.Helper()
	if len(all) != 3 {
		t.Fatalf("got %d documents, want 3", len(all))
	}
	var claim core.PersistentVolumeClaim
	decode(t, all[0], &claim)
	var pod core.Pod
	decode(t, all[1], &pod)
	if len(claim.Spec.AccessModes) != 1 || claim.Spec.AccessModes[0] != core.ReadWriteMany {
		t.Errorf("got the access modes %v, want ReadWriteMany", claim.Spec.AccessModes)
	}
	if got := pod.Spec.Volumes[0].PersistentVolumeClaim.ClaimName; got != claim.Name {
		t.Errorf("the pod uses the claim %q, want %q", got, claim.Name)
	}
}

// checkEnv checks that the key comes from a Secret, and that an address is set only if the plan has an unusual one.
func checkEnv(t *testing.T, kind string, env []core.EnvVar) {
	t.Helper()
	values := map[string]core.EnvVar{}
	for _, v := range env {
		values[v.Name] = v
	}
	key := values["LAMINA_API_KEY"]
	if key.Value != "" || key.ValueFrom == nil || key.ValueFrom.SecretKeyRef == nil {
		t.Errorf("the key is %+v, want one of a Secret", key)
	}
	want := map[string]string{"plain": "", "special": "http://127.0.0.1:8799"}[kind]
	if got := values["LAMINA_BASE_URL"].Value; got != want {
		t.Errorf("got the address %q, want %q", got, want)
	}
}

func TestKubernetes(t *testing.T) {
	for _, kind := range kinds {
		all := documents(t, kind, "kubernetes.yaml")
		checkVolume(t, all)
		var job batch.Job
		decode(t, all[2], &job)
		spec := job.Spec
		if *spec.CompletionMode != batch.IndexedCompletion || *spec.Completions != 4 || *spec.BackoffLimitPerIndex != 10 || !*spec.Suspend {
			t.Errorf("got the spec %+v", spec)
		}
		if spec.Template.Spec.RestartPolicy != core.RestartPolicyNever {
			t.Errorf("got the restart policy %q; a podFailurePolicy needs Never", spec.Template.Spec.RestartPolicy)
		}
		checkRules(t, spec.PodFailurePolicy.Rules, spec.Template.Spec.Containers[0].Name)
		checkEnv(t, kind, spec.Template.Spec.Containers[0].Env)
	}
}

// checkRules checks what the API server checks, and that each status has its action.
func checkRules(t *testing.T, rules []batch.PodFailurePolicyRule, container string) {
	t.Helper()
	action := map[int32]batch.PodFailurePolicyAction{}
	for _, rule := range rules {
		codes := rule.OnExitCodes
		if (codes == nil) == (len(rule.OnPodConditions) == 0) {
			t.Errorf("the rule %+v must have exit codes or conditions", rule)
		}
		if codes == nil {
			continue
		}
		if !slices.IsSorted(codes.Values) || slices.Contains(codes.Values, 0) || *codes.ContainerName != container {
			t.Errorf("the API server refuses the rule %+v", codes)
		}
		for _, code := range codes.Values {
			action[code] = rule.Action
		}
	}
	for code, want := range map[int32]batch.PodFailurePolicyAction{
		1: "Count", 2: "FailIndex", 3: "FailIndex", 4: "FailIndex", 5: "FailIndex", 6: "Count", 7: "Count", 8: "Count", 137: "Count",
	} {
		if action[code] != want {
			t.Errorf("status %d: got the action %q, want %q", code, action[code], want)
		}
	}
}

func TestArgo(t *testing.T) {
	for _, kind := range kinds {
		all := documents(t, kind, "argo.yaml")
		checkVolume(t, all)
		var workflow argo.Workflow
		decode(t, all[2], &workflow)
		shards := workflow.GetTemplateByName("shards")
		shard := workflow.GetTemplateByName("shard")
		if shards == nil || shard == nil || workflow.Spec.Entrypoint != "shards" {
			t.Fatalf("got the templates %+v", workflow.Spec.Templates)
		}
		if got := shards.Steps[0].Steps[0].WithSequence.Count.String(); got != "4" {
			t.Errorf("got %s steps, want 4", got)
		}
		if got := shard.Container.Args[4]; got != "{{inputs.parameters.index}}/4" {
			t.Errorf("got the shard %q", got)
		}
		checkEnv(t, kind, shard.Container.Env)
		checkRetries(t, shard.RetryStrategy.Expression)
	}
}

// TestStrictnessIsReal shows that decode finds a wrong name.
func TestStrictnessIsReal(t *testing.T) {
	text := documents(t, "plain", "kubernetes.yaml")[2]
	wrong := strings.Replace(string(text), "backoffLimitPerIndex", "backoffLimitPerindex", 1)
	if err := strict([]byte(wrong), new(batch.Job)); err == nil {
		t.Error("a field with a wrong name was accepted")
	}
	workflow := strings.Replace(string(documents(t, "plain", "argo.yaml")[2]), "retryPolicy", "retrypolicy", 1)
	if err := strict([]byte(workflow), new(argo.Workflow)); err == nil {
		t.Error("a field of a workflow with a wrong name was accepted")
	}
}
