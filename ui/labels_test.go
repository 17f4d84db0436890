package ui

import (
	"strings"
	"testing"

	"dropquant/engine/dataset"
)

func TestFit(t *testing.T) {
	table, err := dataset.ParseLabels("labels.csv", []byte("file,label\na.jpg,1\nsub/b.jpg,2\nc.jpg,3\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		used, all []string
		usable    bool
		note      string
	}{
		{"all named", []string{"f/a.jpg", "f/sub/b.jpg"}, []string{"f/a.jpg", "f/sub/b.jpg", "f/c.jpg"}, true, ""},
		{"a row too many", []string{"a.jpg"}, []string{"a.jpg", "sub/b.jpg"}, true, `1 row without an image, the first: "labels.csv", line 4`},
		{"an image without a row", []string{"a.jpg", "d.jpg"}, []string{"a.jpg", "d.jpg"}, false, `"d.jpg"`},
		{"one that is not used", []string{"a.jpg"}, []string{"a.jpg", "d.jpg", "sub/b.jpg", "c.jpg"}, true, ""},
	} {
		usable, note := fit(table, c.used, c.all)
		if usable != c.usable || !strings.Contains(note, c.note) || note != "" && c.note == "" {
			t.Errorf("%s: %v %q, want %v %q", c.name, usable, note, c.usable, c.note)
		}
	}
	if n := named(table, []string{"x/a.jpg", "b.jpg", "c.jpg"}); n != 2 {
		t.Errorf("%d images are named, want 2", n)
	}
}
