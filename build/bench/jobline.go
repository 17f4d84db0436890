package main

import (
	"fmt"
	"strings"
)

// phases are what the page says while it works, in order: each lasts until the next one. The click comes before the first.
var phases = []string{"click", "Calibrating", "Comparing", "Writing", "Done"}

// jobLine makes the line of the table out of the moments of a page.
func jobLine(began, ready float64, marks []mark, memory float64) (string, error) {
	at := make([]float64, 0, len(phases))
	for _, m := range marks {
		if len(at) < len(phases) && strings.HasPrefix(m.Says, phases[len(at)]) {
			at = append(at, m.At)
		}
	}
	if len(at) < len(phases) {
		return "", fmt.Errorf("the page did not say %q; it said %v", phases[len(at)], marks)
	}
	seconds := func(from, to float64) string { return fmt.Sprintf("%.2f", (to-from)/1e3) }
	return strings.Join([]string{
		seconds(0, marks[0].At), seconds(began, ready), seconds(at[0], at[2]), seconds(at[2], at[3]), seconds(at[3], at[4]), seconds(at[0], at[4]),
		fmt.Sprintf("%.0f", memory/(1<<20)),
	}, "\t"), nil
}
