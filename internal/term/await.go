package term

import "context"

// Await returns the result of a read that the end of a context cannot interrupt, such as one of a pipe or a terminal, or the error of
// the context if that ends first. The read continues then; the process ends soon.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
