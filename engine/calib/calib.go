// Package calib estimates from the statistic of a value the range of reals that
// its grid should cover.
//
// A range too wide spends codes on values that hardly occur; one too narrow
// clips values that matter. Every [Method] is a rule for that trade, a plain
// function of a [observe.Stat] in a file of its own, and [Methods] lists them.
// [Range] applies one and holds what is true of all: a range contains 0, and
// ends within the extremes observed.
package calib

import (
	"errors"
	"fmt"
	"strings"

	"dropquant/engine/observe"
	"dropquant/engine/quant"
)

// Options are the numbers a method may be tuned by. The zero value is the
// recommended setting of each.
type Options struct {
	Percentile float64 `json:"percentile,omitempty"` // share of values kept, in percent, above 50 up to 100; 0 means 99.999
	Averaging  float64 `json:"averaging,omitempty"`  // weight of a new image in a moving average, above 0 up to 1; 0 means 0.1
}

// Check reports a number that no method can use.
func (o Options) Check() error {
	if o.Percentile != 0 && !(o.Percentile > 50 && o.Percentile <= 100) {
		return fmt.Errorf("percentile %v is not above 50 and up to 100", o.Percentile)
	}
	if o.Averaging != 0 && !(o.Averaging > 0 && o.Averaging <= 1) {
		return fmt.Errorf("averaging constant %v is not above 0 and up to 1", o.Averaging)
	}
	return nil
}

// Method is a rule that estimates a range.
type Method struct {
	Name   string // as options spell it
	Title  string // as a page shows it
	Doc    string // one sentence
	Source string
	rule   func(s *observe.Stat, g quant.Grid, o Options) (lo, hi float64)
	whole  bool // it compares neighbouring bins, for which a sample is too few
}

// Methods are all of them, the recommended one first.
var Methods = []Method{
	{"mse", "Least squares", "The range whose rounding and clipping errors add up to the least squared error.",
		"the L2 search of PyTorch's HistogramObserver, done with the error of the real quantizer", mse, false},
	{"minmax", "Min–max", "Everything observed: nothing is clipped, and one outlier sets the step for all.",
		"torch MinMaxObserver; onnxruntime CalibrationMethod.MinMax", minmax, false},
	{"mean-minmax", "Mean of extremes", "The mean over the images of each image's smallest and largest value.",
		"NNCF's default, RangeEstimatorParametersSet.MEAN_MINMAX", meanMinmax, false},
	{"moving-average", "Moving average", "Extremes that follow each next image by a tenth of the way.",
		"torch MovingAverageMinMaxObserver with MMRazor's averaging_constant 0.1 (torch's own is 0.01)", movingAverage, false},
	{"percentile", "Percentile", "All but the outermost 0.001 percent of the values.",
		"onnxruntime CalibrationMethod.Percentile, whose default is 99.999", percentile, false},
	{"entropy", "Entropy (KL)", "The clipped distribution that tells the most about the whole one, but never less than 99.9 percent of the values.",
		"Migacz, 8-bit inference with TensorRT, GTC 2017; pytorch-quantization calib/histogram.py; the floor as in onnxsim", entropy, true},
}

// Default names the recommended method: over seven networks none other is as
// good in sum, and none loses less on its worst.
//
// Signal to noise at the output in decibels, float weights, activations on U8
// per tensor at the inputs of Conv, Gemm, Add and average pools; calibrated on
// 16 to 100 images, measured on 16 to 100 others (agreement beside it, of 50, 50, 100, 50, 24):
//
//	                  MobileNetV2  SqueezeNet 1.1  ResNet-20  MobileNetV1  ResNet-50  NanoDet-m  YOLOX-Nano
//	mse                18.7  46     37.9  48        29.9  99   26.1  50     26.9  24   22.2       8.1
//	minmax             14.8  46     35.8  50        32.5  99   25.8  49     26.2  24   21.1       6.2
//	mean-minmax        22.0  50     36.3  46        17.0 100   25.4  49     23.1  23   21.5       8.6
//	moving-average     21.6  48     36.4  47        17.5  99   25.5  48     23.2  23   21.2       8.2
//	percentile         15.8  45     37.6  49        30.8  99   26.3  49     27.1  23   21.9       7.7
//	entropy            20.4  47     36.9  49        31.9  99   25.5  49     21.4  23   20.4       8.0
//
// On S8 the sums over the seven are mse 141.4, entropy 140.0, percentile 138.3, mean-minmax 131.9, minmax 130.1.
// All values were counted. With tails and a sample of the body, as package observe counts slices from 2048 values on, the squared error of a
// value's codes is larger than that of the range that all values give by 0.004 to 0.016 dB in the mean over the values of a network (ResNet-20,
// NanoDet-m, YOLOX-Nano, MobileNetV2; three sets of 32 images each), and by up to 0.16 dB on one value, but for one of YOLOX-Nano whose error
// has two minima, 0.4 to 1.1 dB apart. Percentiles change by less than 0.2 %. For entropy, asked for by name, all values are counted: with the sample it lost
// 2.5 dB on ResNet-20 and 1.5 on SqueezeNet. An eighth of all values alone cost 0.4 dB on MobileNetV2's output.
// No statistic of one tensor alone tells which of its outliers matter downstream:
// choosing among [Candidates] by the error at the output gives 22.1 on MobileNetV2 and 33.3 on ResNet-20.
const Default = "mse"

// NewStat returns a statistic from which a method can estimate. For any other name it is one that suits most.
func NewStat(method string) *observe.Stat {
	m, _ := find(method)
	return &observe.Stat{Whole: m.whole}
}

// A warning from [Range]: the range returned is sound, and the user should know.
var (
	ErrNoValues  = errors.New("no finite value was observed")
	ErrAllZero   = errors.New("every value observed was 0")
	ErrNotFinite = errors.New("some values observed were NaN or infinite, and were left out")
)

// Range estimates the range that g should cover: lo ≤ 0 ≤ hi, within the
// extremes observed.
//
// The error is a warning, with a range to go on with, when it is ErrNoValues or
// ErrAllZero (the range is 0…0, whose scale is 1) or ErrNotFinite. Otherwise
// the method or an option does not exist.
func Range(method string, s *observe.Stat, g quant.Grid, o Options) (lo, hi float32, err error) {
	m, err := find(method)
	if err != nil {
		return 0, 0, err
	}
	if err := errors.Join(o.Check(), g.Check()); err != nil {
		return 0, 0, err
	}
	min0, max0, ok := s.Range()
	if !ok {
		return 0, 0, ErrNoValues
	}
	if min0 == 0 && max0 == 0 {
		return 0, 0, ErrAllZero
	}
	if nan, inf := s.NotFinite(); nan+inf > 0 {
		err = ErrNotFinite
	}
	a, b := m.rule(s, g, o)
	lo = min(max(float32(a), min(min0, 0)), 0)
	hi = max(min(float32(b), max(max0, 0)), 0)
	return lo, hi, err
}

// find returns the method of that name.
func find(name string) (Method, error) {
	names := make([]string, len(Methods))
	for i, m := range Methods {
		if m.Name == name {
			return m, nil
		}
		names[i] = m.Name
	}
	return Method{}, fmt.Errorf("no estimator is called %q: use one of %s", name, strings.Join(names, ", "))
}

// Warning reports whether an error of Range comes with a range to go on with.
func Warning(err error) bool {
	return errors.Is(err, ErrNoValues) || errors.Is(err, ErrAllZero) || errors.Is(err, ErrNotFinite)
}
