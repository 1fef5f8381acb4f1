package output

import "strconv"

// Number returns a number in decimal digits, without an exponent, as it is said of credits.
func Number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
