package op

import (
	"fmt"
	"strings"

	"dropquant/engine/tensor"
)

// einsum sums products over the letters that the result does not have. An ellipsis stands for
// leading dimensions that broadcast. It runs as one walk over all letters: exporters use it for small
// attention and embedding products.
func einsum(c *Call) error {
	if err := c.all(); err != nil {
		return err
	}
	if err := c.same(); err != nil {
		return err
	}
	terms, result, err := equation(c)
	if err != nil {
		return err
	}
	size, order := map[rune]int{}, []rune(result)
	for i, term := range terms {
		for d, letter := range []rune(term) {
			n := c.shape(i)[d]
			if old, ok := size[letter]; ok && old != n && old != 1 && n != 1 {
				return fmt.Errorf("index %c is %d and %d", letter, old, n)
			}
			size[letter] = max(size[letter], n)
			if n == 0 {
				return fmt.Errorf("index %c is empty", letter)
			}
			if !strings.ContainsRune(string(order), letter) {
				order = append(order, letter)
			}
		}
	}
	var full, out []int
	for i, letter := range order {
		if size[letter] == 0 {
			return fmt.Errorf("index %c of the result is in no input", letter)
		}
		full = append(full, size[letter])
		if i < len([]rune(result)) {
			out = append(out, size[letter])
		}
	}
	if err := checkShape(full); err != nil {
		return err
	}
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	// The step of every operand, and of the result, along every letter.
	steps := make([][]int, len(terms))
	for i, term := range terms {
		steps[i] = make([]int, len(order))
		own := strides(c.shape(i))
		for d, letter := range []rune(term) {
			for k, o := range order {
				if o == letter && c.shape(i)[d] > 1 {
					steps[i][k] += own[d]
				}
			}
		}
	}
	inner := product(full[len(out):])
	c.Run = func(in, out []*tensor.Tensor) error {
		data := make([][]float64, len(in))
		for i, t := range in {
			data[i] = toFloats(t)
		}
		sums := make([]float64, out[0].Len())
		eachIndex(full, func(flat int, at []int) {
			v := 1.0
			for i, x := range data {
				k := 0
				for d, p := range at {
					k += p * steps[i][d]
				}
				v *= x[k]
			}
			sums[flat/inner] += v
		})
		castFloat(out[0], sums)
		return nil
	}
	return nil
}

// equation parses the attribute into one term of single letters per input and one for the result,
// with capitals of another alphabet in place of an ellipsis.
func equation(c *Call) (terms []string, result string, err error) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(c.Node.Str("equation", ""), " ", ""), "->")
	parts := strings.Split(left, ",")
	if len(parts) != len(c.In) {
		return nil, "", fmt.Errorf("equation %q names %d inputs where there are %d", left, len(parts), len(c.In))
	}
	widest := 0
	for i, p := range parts {
		n := len(c.shape(i)) - len([]rune(strings.Replace(p, "...", "", 1)))
		if strings.Count(p, "...") > 1 || n < 0 || n > 0 && !strings.Contains(p, "...") {
			return nil, "", fmt.Errorf("the term %q does not fit the shape %s", p, tensor.FormatShape(c.shape(i)))
		}
		if strings.Contains(p, "...") {
			widest = max(widest, n)
		}
	}
	dots := func(n int) string { // the last n of the dimensions that ellipses stand for
		var s []rune
		for i := widest - n; i < widest; i++ {
			s = append(s, 'Ⅰ'+rune(i))
		}
		return string(s)
	}
	seen := map[rune]int{}
	for i, p := range parts {
		n := len(c.shape(i)) - len([]rune(strings.Replace(p, "...", "", 1)))
		p = strings.Replace(p, "...", dots(n), 1)
		for _, letter := range p {
			seen[letter]++
		}
		terms = append(terms, p)
	}
	if explicit {
		result = strings.Replace(right, "...", dots(widest), 1)
	} else {
		result = dots(widest)
		for letter := 'A'; letter <= 'z'; letter++ {
			if seen[letter] == 1 {
				result += string(letter)
			}
		}
	}
	used := map[rune]bool{}
	for _, letter := range result {
		if used[letter] {
			return nil, "", fmt.Errorf("the result %q names an index twice", right)
		}
		used[letter] = true
	}
	return terms, result, nil
}
