package runinfo

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/uselamina/lamina/internal/output"
)

// defaultMaxSize is the default of --max-size: 10 GiB.
const defaultMaxSize sizeFlag = 10 << 30

// A sizeFlag is a number of bytes, with a unit such as MB (a million) or MiB (1,048,576).
type sizeFlag int64

// Set implements pflag.Value.
func (s *sizeFlag) Set(text string) error {
	number, factor := strings.ToUpper(strings.TrimSpace(text)), float64(1)
	for i, unit := range "KMGT" {
		for name, base := range map[string]float64{string(unit) + "IB": 1024, string(unit) + "B": 1000, string(unit): 1024} {
			if rest, hasUnit := strings.CutSuffix(number, name); hasUnit && factor == 1 {
				number, factor = rest, math.Pow(base, float64(i+1))
			}
		}
	}
	if factor == 1 {
		number = strings.TrimSuffix(number, "B")
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(n >= 0) || n*factor >= math.MaxInt64 {
		return fmt.Errorf("want a size such as 500MB or 2GiB, not %q", text)
	}
	*s = sizeFlag(n * factor)
	return nil
}

// String implements pflag.Value.
func (s *sizeFlag) String() string {
	return strings.ReplaceAll(strings.Replace(output.Bytes(int64(*s)), ".0 ", "", 1), " ", "")
}

// Type implements pflag.Value.
func (s *sizeFlag) Type() string { return "size" }
