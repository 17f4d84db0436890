package ui

import (
	"fmt"
	"math"

	"dropquant/engine/dataset"
	"dropquant/ui/view"
)

// fit says whether a table of labels names all images that are used, and what does not fit: an image without a row, which makes
// it useless, or rows without an image, which do no harm.
func fit(table *dataset.Labels, used, all []string) (usable bool, note string) {
	for _, name := range used {
		if _, err := table.Class(name, math.MaxInt); err != nil {
			return false, view.Sentence(err.Error()) + " Without it there is no top-1."
		}
	}
	if lost := table.Strangers(all); len(lost) > 0 {
		return true, fmt.Sprintf("%s without an image, the first: %s", view.Of(len(lost), "row"), lost[0])
	}
	return true, ""
}

// named counts the images that a table names.
func named(table *dataset.Labels, images []string) (n int) {
	for _, name := range images {
		if _, err := table.Class(name, math.MaxInt); err == nil {
			n++
		}
	}
	return n
}
