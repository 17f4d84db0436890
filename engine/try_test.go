package engine

import "testing"

// However many workers there are, each candidate meets each image once, and no worker has more than one candidate more than another.
func TestDuties(t *testing.T) {
	for _, candidates := range []int{1, 2, 6} {
		for of := 1; of <= 9; of++ {
			met := map[[2]int]int{}
			least, most := candidates, 0
			for place := range of {
				d := dutyOf(place, of, candidates)
				n := 0
				for k := range candidates {
					if !d.tries(k) {
						continue
					}
					n++
					for i := range judged {
						if i%d.of == d.place {
							met[[2]int{k, i}]++
						}
					}
				}
				least, most = min(least, n), max(most, n)
			}
			for k := range candidates {
				for i := range judged {
					if met[[2]int{k, i}] != 1 {
						t.Errorf("%d workers run candidate %d of %d on image %d %d times", of, k, candidates, i, met[[2]int{k, i}])
					}
				}
			}
			if most-least > 1 || of >= candidates && most > 1 {
				t.Errorf("%d workers have between %d and %d of %d candidates", of, least, most, candidates)
			}
		}
	}
}
