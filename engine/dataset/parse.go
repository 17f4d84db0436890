package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ParsePreset reads a preset that was written as JSON. Fields that do not exist are errors, since a misspelt
// one would silently change every pixel.
func ParsePreset(data []byte) (Preset, error) {
	p, _ := FindPreset("custom")
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Preset{}, fmt.Errorf("not a preset: %w", err)
	}
	return p, p.Check()
}
