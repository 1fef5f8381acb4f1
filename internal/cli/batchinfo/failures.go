package batchinfo

import (
	"strconv"
	"strings"

	"github.com/uselamina/lamina/internal/fail"
)

// FailureLimit returns at how many failed items no more are started; 0: never.
func FailureLimit(text string, items int) (int, error) {
	if text == "" {
		return 0, nil
	}
	number, isPart := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(number, 64)
	isWhole := n == float64(int64(n))
	if err != nil || !(n > 0) || isPart && n > 100 || !isPart && !isWhole || n > 1e9 {
		return 0, fail.Usage("", "--max-failures must be a number above 0 or a part of the items like 5%%, not %q", text)
	}
	if isPart {
		n = n / 100 * float64(items)
	}
	return max(1, int(n)), nil
}
