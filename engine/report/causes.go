package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Cause says in words what makes the error of a layer.
type Cause struct {
	ID   string `json:"id"`   // of a Rule
	Text string `json:"text"` // a sentence without its period
}

// Rule finds one kind of cause from what was measured of a layer.
type Rule struct {
	ID    string
	Title string
	find  func(l *Layer, all *layers) string // the sentence, or "" when it does not apply
}

// quiet is the SQNR in dB from which on an error needs no cause: it is a hundredth of the signal's amplitude, what
// 8 bits cost an even distribution.
const quiet = 40

// Rules lists the kinds of cause. What a layer adds itself comes first, what it inherits last.
var Rules = []Rule{
	{"depthwise-channel", "One channel is far wider than the others, and a depthwise convolution reads them", func(l *Layer, _ *layers) string {
		// Weights of a depthwise convolution see one channel each: what one step is to the widest is 8 steps to the median.
		c := l.Detail.Channels
		if !l.Detail.Depthwise || c.Times() < 8 {
			return ""
		}
		return fmt.Sprintf("channel %d reaches %.3g, %.0f times the median channel, and a depthwise convolution reads it, where every channel counts for itself", c.Widest, c.Max, c.Times())
	}},
	{"outlier-channel", "One channel sets the range of all", func(l *Layer, _ *layers) string {
		c := l.Detail.Channels
		if l.Detail.Depthwise || c.Times() < 16 {
			return ""
		}
		return fmt.Sprintf("one outlier channel sets the range: channel %d reaches %.3g, %.0f times the median channel", c.Widest, c.Max, c.Times())
	}},
	{"weight-channel", "The weights of one channel are far larger than the others", func(l *Layer, _ *layers) string {
		w, c := l.Detail.WeightChannels, l.Detail.Channels
		switch {
		case w.Times() >= 8 && !l.Detail.PerChannel:
			return fmt.Sprintf("weights of channel %d are %.0f times the median channel's, and one scale serves all", w.Widest, w.Times())
		case w.Times() >= 8 && w.Widest == c.Widest && c.Times() >= 4:
			return fmt.Sprintf("weights of channel %d are %.0f times the median channel's, and so it sets the range of what comes out", w.Widest, w.Times())
		}
		return ""
	}},
	{"saturates", "Sums of two products do not fit 16 bits on CPUs without VNNI", func(l *Layer, _ *layers) string {
		s := l.Detail.Saturated
		if s == nil || s.Hits == 0 {
			return ""
		}
		return fmt.Sprintf("saturates on CPUs without VNNI: %d channels, %d values an image come out wrong", s.Channels, s.Hits)
	}},
	{"clipping", "The range leaves out values that matter", func(l *Layer, _ *layers) string {
		if l.Detail.Clip < 0.5 || l.Detail.Rounding > 35 {
			return ""
		}
		return fmt.Sprintf("clips %.2g %% of its values, which makes %.0f %% of its rounding error: a wider range would serve it better", 100*l.Clipped, 100*l.Detail.Clip)
	}},
	{"long-tail", "A few large values set the range", func(l *Layer, _ *layers) string {
		// 20 times the root mean square within 127 codes leaves 27 dB.
		peak := max(math.Abs(float64(l.Lo)), math.Abs(float64(l.Hi)))
		if l.Detail.Rounding > 30 || l.Detail.RMS == 0 || peak < 20*l.Detail.RMS {
			return ""
		}
		return fmt.Sprintf("few large values set the range: it reaches %.3g, %.0f times the root mean square, and %.0f %% of the values round to 0", peak, peak/l.Detail.RMS, 100*l.Detail.Lost)
	}},
	{"signed-grid", "The zero point of a signed grid wastes codes", func(l *Layer, _ *layers) string {
		if l.DType != "int8" || l.Zero != 0 || l.Detail.Used > 0.6 || l.Detail.Used == 0 || l.Detail.TiedTimes > 1 {
			return ""
		}
		return fmt.Sprintf("its values use %.0f %% of the codes: those of the other sign stand for numbers that hardly occur", 100*l.Detail.Used)
	}},
	{"tied", "It shares its scale with a wider value", func(l *Layer, _ *layers) string {
		if l.Detail.TiedTimes < 3 {
			return ""
		}
		return fmt.Sprintf("shares its scale with %q, whose range is %.1f times wider", l.Detail.Tied, l.Detail.TiedTimes)
	}},
	{"weights", "Rounding the weights makes most of its own error", func(l *Layer, _ *layers) string {
		if !(l.Detail.Weights >= 0.5) { // false for NaN
			return ""
		}
		return fmt.Sprintf("rounding its weights makes %.0f %% of its own error", 100*l.Detail.Weights)
	}},
	{"rough-input", "Rounding what it reads makes most of its own error", func(l *Layer, all *layers) string {
		in := all.roughest(l)
		if in == nil || l.Detail.Rounding-l.Detail.Own < 6 || l.Detail.Weights > 0.25 || in.Detail.Rounding > quiet {
			return ""
		}
		return fmt.Sprintf("reads %q rounded, which leaves %s there", in.Name, Decibel(in.Detail.Rounding))
	}},
	{"inherits", "Most of its error was there before", func(l *Layer, all *layers) string {
		// 6 dB: three quarters of the noise.
		from := all.source(l)
		if from == nil || l.Detail.Own-l.Detail.Total < 6 {
			return ""
		}
		return fmt.Sprintf("inherits its error, most of all from %q, which adds %s", from.Name, Decibel(from.Detail.Own))
	}},
}

// Explain finds the causes of the error of each layer that was looked at closely.
func (r *Report) Explain() {
	all := &layers{byValue: map[string]*Layer{}}
	for i := range r.Layers {
		if l := &r.Layers[i]; l.Detail != nil {
			all.byValue[l.Value] = l
		}
	}
	for i := range r.Layers {
		l := &r.Layers[i]
		l.Causes = nil
		if l.Detail == nil {
			continue
		}
		for _, rule := range Rules {
			own := rule.ID != "inherits"
			if own && !(min(l.Detail.Own, l.Detail.Rounding) < quiet) || !own && !(l.Detail.Total < quiet) {
				continue
			}
			if text := rule.find(l, all); text != "" {
				l.Causes = append(l.Causes, Cause{rule.ID, text})
			}
		}
	}
}

// layers finds layers by the value that they give.
type layers struct {
	byValue map[string]*Layer
}

// roughest returns the layer that l reads whose rounding costs the most, or nil.
func (a *layers) roughest(l *Layer) (worst *Layer) {
	for _, name := range l.Detail.Inputs {
		if in := a.byValue[name]; in != nil && (worst == nil || in.Detail.Rounding < worst.Detail.Rounding) {
			worst = in
		}
	}
	return worst
}

// source returns the layer before l that adds the most error itself, the nearest of equals, or nil.
func (a *layers) source(l *Layer) (worst *Layer) {
	seen := map[string]bool{}
	for next := slices.Clone(l.Detail.Inputs); len(next) > 0; {
		name := next[0]
		next = next[1:]
		in := a.byValue[name]
		if in == nil || seen[name] {
			continue
		}
		seen[name] = true
		if worst == nil || in.Detail.Own < worst.Detail.Own {
			worst = in
		}
		next = append(next, in.Detail.Inputs...)
	}
	return worst
}

// Loudest returns up to n layers that add the most error themselves, the worst first.
func (r *Report) Loudest(n int) (list []*Layer) {
	for i := range r.Layers {
		if l := &r.Layers[i]; l.Detail != nil && l.Detail.Own < quiet {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(a, b *Layer) int { return cmp.Compare(a.Detail.Own, b.Detail.Own) })
	return list[:min(n, len(list))]
}
