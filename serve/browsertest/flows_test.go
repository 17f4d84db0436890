package browsertest

import (
	"testing"
	"time"
)

// A sample gives a file by one click.
func TestSample(t *testing.T) {
	for _, origin := range origins {
		t.Run(origin, func(t *testing.T) {
			b := open(t, origin, 1280, 800)
			b.click(`[data-sample=cifar]`)
			checkModel(t, b.finish(60*time.Second), 1_094_781)
			b.quiet(origin)
		})
	}
}
