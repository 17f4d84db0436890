// Package view writes the parts of the page that depend on data as HTML, from values of the engine. It computes nothing but
// the wording and the length of bars, and it knows no DOM, so it is tested where there is no browser.
package view

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// page collects HTML.
type page struct{ strings.Builder }

// put writes a format whose string arguments are escaped; HTML goes in as raw.
func (p *page) put(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = html.EscapeString(a)
		case raw:
			args[i] = string(a)
		}
	}
	fmt.Fprintf(p, format, args...)
}

// raw is HTML that is written as it is.
type raw string

// Escape returns text as HTML.
func Escape(text string) string { return html.EscapeString(text) }

// Sentence makes an error of the engine, lower case and without a period, a sentence of the page.
func Sentence(text string) string {
	if text == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(r)) + text[n:]
	if last := text[len(text)-1]; last != '.' && last != '!' && last != '?' {
		text += "."
	}
	return text
}

// Size writes a number of bytes as people do, in powers of ten as file managers do: "3.6 MB".
func Size(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	v, u := float64(n), 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	switch {
	case u == 0:
		return fmt.Sprintf("%d bytes", n)
	case v < 99.95:
		return fmt.Sprintf("%.1f %s", v, units[u])
	}
	return fmt.Sprintf("%.0f %s", v, units[u])
}

// Count writes a whole number with separators: "10,000".
func Count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Of writes a count with its noun: "1 image", "1,200 images".
func Of(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Large writes a count of millions: "3.5 M", "300 M", "4.1 G".
func Large(n int64) string {
	v, unit := float64(n), ""
	for _, u := range []string{"k", "M", "G", "T"} {
		if v < 1000 {
			break
		}
		v, unit = v/1000, " "+u
	}
	if unit == "" || v >= 100 {
		return fmt.Sprintf("%.0f%s", v, unit)
	}
	return fmt.Sprintf("%.1f%s", v, unit)
}

// Left writes the time that is left, coarsely: nobody needs to see it jump.
func Left(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 2:
		return "almost done"
	case s < 10:
		return fmt.Sprintf("about %.0f s left", math.Ceil(s))
	case s < 55:
		return fmt.Sprintf("about %.0f s left", math.Ceil(s/5)*5)
	case s < 100:
		return "about a minute left"
	default:
		return fmt.Sprintf("about %.0f minutes left", math.Ceil(s/60))
	}
}

// Took writes how long something took.
func Took(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	if d < 2*time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// Number writes a statistic with three digits.
func Number(v float32) string {
	digits := 2
	switch a := math.Abs(float64(v)); {
	case a >= 99.95:
		digits = 0
	case a >= 9.995:
		digits = 1
	}
	return minus(strconv.FormatFloat(float64(v), 'f', digits, 32))
}

// minus gives a number the sign that is as wide as a digit.
func minus(number string) string { return strings.Replace(number, "-", "−", 1) }

// decibel writes a signal-to-noise ratio.
func decibel(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "exact"
	case math.IsNaN(v) || math.IsInf(v, -1):
		return "–"
	}
	return minus(fmt.Sprintf("%.1f dB", v))
}
