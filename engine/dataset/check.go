package dataset

import (
	"fmt"
	"math"
)

// Check reports, as a sentence, what is wrong with a preset that came from
// outside. Apply, Frame and Preview check by themselves.
func (p Preset) Check() error {
	finite := !math.IsNaN(p.Scale) && !math.IsInf(p.Scale, 0)
	for c := range 3 {
		finite = finite && !math.IsNaN(p.Mean[c]-p.Std[c]) && !math.IsInf(p.Mean[c]-p.Std[c], 0)
	}
	switch {
	case fits[p.Mode] == nil:
		return fmt.Errorf("preset %q: unknown mode %q: use short, stretch, letterbox or center", p.Name, p.Mode)
	case p.Filter != Nearest && kernels[p.Filter].weight == nil:
		return fmt.Errorf("preset %q: unknown filter %q: use bilinear, bicubic or nearest", p.Name, p.Filter)
	case p.Order != "RGB" && p.Order != "BGR":
		return fmt.Errorf("preset %q: unknown colour order %q: use RGB or BGR", p.Name, p.Order)
	case p.Crop < 1 || p.Crop > maxSide || p.Short < 0 || p.Short > maxSide:
		return fmt.Errorf("preset %q: sizes must lie between 1 and %d", p.Name, maxSide)
	case !finite || p.Std[0] == 0 || p.Std[1] == 0 || p.Std[2] == 0:
		return fmt.Errorf("preset %q: scale, mean and std must be numbers, and std not zero", p.Name)
	}
	return nil
}
