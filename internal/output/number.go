package output

import "strconv"

// Number returns a number in decimal digits, without an exponent, as it is said of credits.
func Number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// Counted returns a number with a noun, which gets an s unless the number is 1: 1 item, 3 items.
func Counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
