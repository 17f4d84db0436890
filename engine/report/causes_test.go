package report

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestRules gives each rule a layer to which it applies, and the same layer with the one number changed that decides.
func TestRules(t *testing.T) {
	plain := func() Layer {
		return Layer{Name: "b", Value: "bv", DType: "uint8", Lo: 0, Hi: 10,
			Detail: &Detail{Own: 25, Total: 25, Rounding: 28, Weights: 0.4, RMS: 2, Used: 1, PerChannel: true, Inputs: []string{"av"}}}
	}
	for _, c := range []struct {
		id     string
		on     func(l *Layer)
		off    func(l *Layer)
		phrase string
	}{
		{"depthwise-channel", func(l *Layer) { l.Detail.Channels, l.Detail.Depthwise = Spread{16, 12, 80, 2}, true },
			func(l *Layer) { l.Detail.Channels.Max = 15 }, "channel 12 reaches 80, 40 times the median channel"},
		{"outlier-channel", func(l *Layer) { l.Detail.Channels = Spread{16, 12, 80, 2} },
			func(l *Layer) { l.Detail.Channels.Max = 31 }, "one outlier channel sets the range: channel 12"},
		{"weight-channel", func(l *Layer) { l.Detail.WeightChannels, l.Detail.PerChannel = Spread{16, 7, 6, 0.1}, false },
			func(l *Layer) { l.Detail.PerChannel = true }, "weights of channel 7 are 60 times the median"},
		{"weight-channel", func(l *Layer) {
			l.Detail.WeightChannels, l.Detail.Channels = Spread{16, 7, 6, 0.1}, Spread{16, 7, 10, 2}
		}, func(l *Layer) { l.Detail.Channels.Widest = 6 }, "and so it sets the range"},
		{"saturates", func(l *Layer) { l.Detail.Saturated = &Saturation{3, 500} },
			func(l *Layer) { l.Detail.Saturated.Hits = 0 }, "3 channels, 500 values an image"},
		{"clipping", func(l *Layer) { l.Clipped, l.Detail.Clip = 0.01, 0.7 },
			func(l *Layer) { l.Detail.Clip = 0.4 }, "clips 1 % of its values, which makes 70 % of its rounding error"},
		{"long-tail", func(l *Layer) { l.Hi, l.Detail.Lost = 100, 0.25 },
			func(l *Layer) { l.Hi = 30 }, "it reaches 100, 50 times the root mean square, and 25 % of the values round to 0"},
		{"signed-grid", func(l *Layer) { l.DType, l.Detail.Used = "int8", 0.5 },
			func(l *Layer) { l.Zero = -128 }, "its values use 50 % of the codes"},
		{"tied", func(l *Layer) { l.Detail.Tied, l.Detail.TiedTimes = "other", 4 },
			func(l *Layer) { l.Detail.TiedTimes = 2 }, `shares its scale with "other", whose range is 4.0 times wider`},
		{"weights", func(l *Layer) { l.Detail.Weights = 0.9 },
			func(l *Layer) { l.Detail.Weights = math.NaN() }, "rounding its weights makes 90 %"},
		{"rough-input", func(l *Layer) { l.Detail.Rounding, l.Detail.Weights = 35, 0.1 },
			func(l *Layer) { l.Detail.Rounding = 30 }, `reads "a" rounded, which leaves 20.0 dB there`},
		{"inherits", func(l *Layer) { l.Detail.Total = 15 },
			func(l *Layer) { l.Detail.Total = 20 }, `inherits its error, most of all from "a", which adds 30.0 dB`},
	} {
		if !slices.ContainsFunc(Rules, func(r Rule) bool { return r.ID == c.id && r.Title != "" }) {
			t.Errorf("%s is not a rule", c.id)
		}
		l := plain()
		c.on(&l)
		got := explain(l)
		if len(got) != 1 || got[0].ID != c.id || !strings.Contains(got[0].Text, c.phrase) {
			t.Errorf("%s: %+v", c.id, got)
		}
		c.off(&l)
		if got := explain(l); len(got) != 0 {
			t.Errorf("%s: still %+v", c.id, got)
		}
		c.on(&l)
		l.Detail.Own, l.Detail.Total, l.Detail.Rounding = 45, 45, 45
		if got := explain(l); len(got) != 0 {
			t.Errorf("%s: %+v of an error that needs no cause", c.id, got)
		}
	}
	if got := explain(plain()); len(got) != 0 {
		t.Errorf("%+v without a cause", got)
	}
}

// explain returns the causes of a layer that reads another.
func explain(l Layer) []Cause {
	r := Report{Layers: []Layer{
		{Name: "a", Value: "av", Detail: &Detail{Own: 30, Total: 30, Rounding: 20, Weights: math.NaN()}}, l, {Name: "float"},
	}}
	r.Explain()
	return r.Layers[1].Causes
}

func TestLoudest(t *testing.T) {
	layer := func(name string, own float64) Layer { return Layer{Name: name, Detail: &Detail{Own: own}} }
	r := Report{Layers: []Layer{layer("a", 30), {Name: "float"}, layer("b", 12), layer("c", math.NaN()), layer("d", 45), layer("e", 25)}}
	var names []string
	for _, l := range r.Loudest(2) {
		names = append(names, l.Name)
	}
	if !slices.Equal(names, []string{"b", "e"}) || len(r.Loudest(9)) != 3 {
		t.Errorf("%q", names)
	}
}
