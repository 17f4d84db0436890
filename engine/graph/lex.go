package graph

import (
	"fmt"
	"strings"
)

// kind is a class of tokens.
type kind int

const (
	wordToken   kind = iota // a name or a number
	stringToken             // quoted, as in Go
	punctToken              // one byte
	lineToken               // the end of a statement
	endToken                // of the text
)

type token struct {
	kind kind
	text string // a string with its quotes
	line int
}

func (t token) String() string {
	switch t.kind {
	case lineToken:
		return "the end of the line"
	case endToken:
		return "the end of the text"
	}
	return t.text
}

// wordByte reports whether c may be part of a word: what ONNX exporters put into names, and numbers.
func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_./+-", c) >= 0
}

// lexer cuts a text into tokens, one ahead. Inside brackets a line does not end.
type lexer struct {
	text  string
	line  int
	depth int
	next  token
}

func newLexer(text string) *lexer {
	l := &lexer{text: text, line: 1}
	l.advance()
	return l
}

// take returns the next token and moves on.
func (l *lexer) take() token {
	t := l.next
	l.advance()
	return t
}

// advance reads the token that follows into next.
func (l *lexer) advance() {
	l.skipSpace()
	l.next = token{endToken, "", l.line}
	if l.text == "" {
		return
	}
	n, k := 1, punctToken
	switch c := l.text[0]; {
	case c == '\n':
		k = lineToken
	case c == '"':
		n, k = stringLength(l.text), stringToken
	case wordByte(c):
		k = wordToken
		for n < len(l.text) && wordByte(l.text[n]) {
			n++
		}
	case strings.IndexByte("([{", c) >= 0:
		l.depth++
	case strings.IndexByte(")]}", c) >= 0:
		l.depth = max(l.depth-1, 0)
	}
	l.next = token{k, l.text[:n], l.line}
	l.text = l.text[n:]
	if k == lineToken {
		l.line++
	}
}

// skipSpace drops blanks, comments and, inside brackets, ends of lines.
func (l *lexer) skipSpace() {
	for l.text != "" {
		switch c := l.text[0]; {
		case c == '#':
			end := strings.IndexByte(l.text, '\n')
			if end < 0 {
				end = len(l.text)
			}
			l.text = l.text[end:]
		case c == '\n' && l.depth > 0:
			l.line++
			l.text = l.text[1:]
		case c == ' ' || c == '\t' || c == '\r':
			l.text = l.text[1:]
		default:
			return
		}
	}
}

// stringLength returns the length of the quoted string that s begins with, or 1 when it does not end
// on its line.
func stringLength(s string) int {
	for i := 1; i < len(s) && s[i] != '\n'; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 1
}

// syntaxError is a parse failure; Parse recovers it.
type syntaxError struct{ error }

func (l *lexer) fail(line int, format string, args ...any) {
	panic(syntaxError{fmt.Errorf("line %d: "+format, append([]any{line}, args...)...)})
}
