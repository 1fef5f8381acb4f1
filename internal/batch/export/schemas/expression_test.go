package schemas

import (
	"strconv"
	"testing"

	"github.com/expr-lang/expr"
)

// checkRetries evaluates the expression of a retry strategy as Argo does, for each status.
func checkRetries(t *testing.T, expression string) {
	t.Helper()
	for code, want := range map[string]bool{
		"1": true, "2": false, "3": false, "4": false, "5": false, "6": true, "7": true, "8": true, "137": true,
	} {
		if got := retries(t, expression, "Failed", code); got != want {
			t.Errorf("status %s: got retry %v, want %v", code, got, want)
		}
	}
	// A pod that was deleted has no exit status.
	if !retries(t, expression, "Error", "-1") {
		t.Error("a lost pod is not started again")
	}
}

func retries(t *testing.T, expression, status, code string) bool {
	t.Helper()
	result, err := expr.Eval(expression, map[string]any{
		"lastRetry": map[string]string{"status": status, "exitCode": code, "duration": "1", "message": ""},
		"asInt": func(text string) int {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return result.(bool)
}
