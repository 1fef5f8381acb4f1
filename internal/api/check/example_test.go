package check_test

import (
	"fmt"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/api/check"
)

func ExampleInputs() {
	app := api.App{Parameters: []api.Parameter{{ID: "p1", Key: "text", Name: "Headline", Type: "text"}}}
	_, problems := check.Inputs(app, map[string]any{"colour": "red"})
	for _, p := range problems {
		fmt.Println(p.Field, p.Message)
	}
	inputs, _ := check.Inputs(app, map[string]any{"Headline": "Hello"})
	fmt.Println(inputs)
	// Output:
	// colour is not an input of this app
	// text is needed and has no default
	// map[text:Hello]
}
