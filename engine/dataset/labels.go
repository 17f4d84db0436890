package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Labels is the class of each image, as a table of a CSV file says.
type Labels struct {
	name string // of the file
	rows map[string]label
}

// label is one row.
type label struct {
	file  string
	class int
	line  int
}

// names that the header gives the two columns that are read.
var (
	fileColumns  = []string{"file", "image", "filename", "path", "name"}
	classColumns = []string{"label", "index", "class", "target"}
)

// ParseLabels reads a CSV file of one image a row: its name, and the index of its class in the model's scores.
//
// With a header the columns are found by their names: the first of file, image, filename, path and name, and the first
// of label, index, class and target. Without one the first column is the name, and the class is the first column
// behind it that holds a number. Errors name the file and the line.
func ParseLabels(name string, data []byte) (*Labels, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	l := &Labels{name: name, rows: map[string]label{}}
	file, class := -1, -1
	for first := true; ; first = false {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				return nil, fmt.Errorf("%q, line %d: %v", name, bad.Line, bad.Err)
			}
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		if first {
			header := false
			if file, class, header = columns(row); class < 0 {
				return nil, fmt.Errorf("%q, line %d: no column holds a class: write rows as in \"cat.jpg,281\", or a header that names a column file and one label", name, line)
			}
			if header {
				continue
			}
		}
		if err := l.add(row, file, class, line); err != nil {
			return nil, fmt.Errorf("%q, line %d: %w", name, line, err)
		}
	}
	if len(l.rows) == 0 {
		return nil, fmt.Errorf("%q holds no labels: write one row an image, as in \"cat.jpg,281\"", name)
	}
	return l, nil
}

// columns finds where name and class stand in the first row, and whether that is a header. class is −1 when there is none.
func columns(row []string) (file, class int, header bool) {
	find := func(names []string) int {
		for _, n := range names {
			if k := slices.IndexFunc(row, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), n) }); k >= 0 {
				return k
			}
		}
		return -1
	}
	if file, class = find(fileColumns), find(classColumns); file >= 0 && class >= 0 {
		return file, class, true
	}
	for k := 1; k < len(row); k++ {
		if _, err := strconv.Atoi(strings.TrimSpace(row[k])); err == nil {
			return 0, k, false
		}
	}
	return 0, -1, false
}

func (l *Labels) add(row []string, file, class, line int) error {
	if len(row) <= max(file, class) {
		return fmt.Errorf("%d columns where %d are needed", len(row), max(file, class)+1)
	}
	name, text := clean(row[file]), strings.TrimSpace(row[class])
	if name == "" {
		return errors.New("no image is named")
	}
	c, err := strconv.Atoi(text)
	if err != nil || c < 0 {
		return fmt.Errorf("the class of %q is %q, which is not an index from 0 up", name, text)
	}
	if old, twice := l.rows[name]; twice && old.class != c {
		return fmt.Errorf("%q is of class %d here and of %d in line %d", name, c, old.class, old.line)
	}
	l.rows[name] = label{name, c, line}
	return nil
}

// clean brings names of images to one form: slashes, and none of them in front.
func clean(name string) string {
	name = strings.ReplaceAll(strings.TrimSpace(name), `\`, "/")
	return strings.TrimLeft(strings.TrimPrefix(name, "./"), "/")
}

// find returns the row of an image, whose name may have more folders in front than the row has.
func (l *Labels) find(image string) (label, bool) {
	for name := clean(image); ; {
		if row, ok := l.rows[name]; ok {
			return row, true
		}
		_, rest, more := strings.Cut(name, "/")
		if !more {
			return label{}, false
		}
		name = rest
	}
}

// Class returns the class of an image. It fails when the table does not name the image, and when the class is
// not below classes, the number of scores that the model gives.
func (l *Labels) Class(image string, classes int) (int, error) {
	row, ok := l.find(image)
	if !ok {
		return 0, fmt.Errorf("%q has no row for the image %q: add one or leave the image out", l.name, image)
	}
	if row.class >= classes {
		return 0, fmt.Errorf("%q, line %d: %q is of class %d, but the model gives %d scores", l.name, row.line, row.file, row.class, classes)
	}
	return row.class, nil
}

// Strangers returns a sentence for each row that names none of the images, in the order of the lines.
func (l *Labels) Strangers(images []string) []string {
	known := map[string]bool{}
	for _, i := range images {
		if row, ok := l.find(i); ok {
			known[row.file] = true
		}
	}
	var lost []label
	for name, row := range l.rows {
		if !known[name] {
			lost = append(lost, row)
		}
	}
	slices.SortFunc(lost, func(a, b label) int { return a.line - b.line })
	var out []string
	for _, row := range lost {
		out = append(out, fmt.Sprintf("%q, line %d: no image is called %q", l.name, row.line, row.file))
	}
	return out
}
