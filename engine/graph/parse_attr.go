package graph

import (
	"math"
	"strconv"

	"dropquant/engine/onnx"
)

// attr reads the value of an attribute.
func (p *parser) attr() any {
	t := p.next
	switch {
	case t.kind == stringToken:
		return p.str()
	case p.accept("["):
		return p.list()
	case t.kind != wordToken:
		p.fail(t.line, "%v where an attribute's value should be", t)
	}
	switch t.text {
	case "ints", "floats", "strings":
		p.take()
		p.punct("[")
		p.punct("]")
		return map[string]any{"ints": []int64{}, "floats": []float32{}, "strings": []string{}}[t.text]
	case "opaque":
		p.take()
		a := new(onnx.Attribute)
		p.message(a)
		return Opaque{a}
	}
	if c := t.text[0]; c >= 'a' && c <= 'z' {
		dt, shape := p.typ()
		return p.data(dt, shape)
	}
	p.take()
	return p.number(t)
}

// list reads a list that is not empty, behind its bracket.
func (p *parser) list() any {
	var ints []int64
	var floats []float32
	var strs []string
	for {
		t := p.next
		if t.kind == stringToken {
			strs = append(strs, p.str())
		} else {
			p.take()
			switch x := p.number(t).(type) {
			case int64:
				ints = append(ints, x)
			case float32:
				floats = append(floats, x)
			}
		}
		if !p.accept(",") {
			break
		}
	}
	line := p.next.line
	p.punct("]")
	switch {
	case floats == nil && strs == nil:
		return ints
	case ints == nil && strs == nil:
		return floats
	case ints == nil && floats == nil:
		return strs
	}
	p.fail(line, "a list has elements of several types; floats are written with a point")
	return nil
}

// number tells an integer from a float by its spelling.
func (p *parser) number(t token) any {
	if t.kind == wordToken {
		if i, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			return i
		}
		if f, err := strconv.ParseFloat(t.text, 32); err == nil {
			return float32(f)
		}
	}
	p.fail(t.line, "%v is not a number", t)
	return nil
}

// The readers of single tokens.

func (p *parser) isPunct(s string) bool { return p.next.kind == punctToken && p.next.text == s }

// accept takes the punctuation s if it is next.
func (p *parser) accept(s string) bool {
	if p.isPunct(s) {
		p.take()
		return true
	}
	return false
}

func (p *parser) punct(s string) {
	if t := p.next; !p.accept(s) {
		p.fail(t.line, "%v where %q should be", t, s)
	}
}

func (p *parser) keyword(s string) {
	if t := p.take(); t.kind != wordToken || t.text != s {
		p.fail(t.line, "%v where %q should be", t, s)
	}
}

// reference takes a name as it is written, so that a quoted underscore differs from an omission.
func (p *parser) reference() token {
	t := p.take()
	if t.kind != wordToken && t.kind != stringToken {
		p.fail(t.line, "%v where a name should be", t)
	}
	return t
}

// name takes a word or a quoted name.
func (p *parser) name() string { return p.unquote(p.reference()) }

func (p *parser) unquote(t token) string {
	if t.kind == wordToken {
		return t.text
	}
	s, err := strconv.Unquote(t.text)
	if err != nil {
		p.fail(t.line, "%s is not a well-formed string", t.text)
	}
	return s
}

func (p *parser) str() string {
	if t := p.next; t.kind != stringToken {
		p.fail(t.line, "%v where a quoted string should be", t)
	}
	return p.name()
}

func (p *parser) int() int {
	t := p.take()
	n, err := strconv.Atoi(t.text)
	if err != nil || t.kind != wordToken {
		p.fail(t.line, "%v is not an integer", t)
	}
	return n
}

func (p *parser) dim() int {
	line := p.next.line
	n := p.int()
	if n < 0 || n > math.MaxInt32 {
		p.fail(line, "%d is not a dimension", n)
	}
	return n
}

func (p *parser) float() float64 {
	t := p.take()
	f, err := strconv.ParseFloat(t.text, 64)
	if err != nil || t.kind != wordToken {
		p.fail(t.line, "%v is not a number", t)
	}
	return f
}

// endLine takes the end of a statement and the blank lines behind it.
func (p *parser) endLine() {
	if t := p.next; t.kind != lineToken && t.kind != endToken {
		p.fail(t.line, "%v where the line should end", t)
	}
	p.blank()
}

func (p *parser) blank() {
	for p.next.kind == lineToken {
		p.take()
	}
}
