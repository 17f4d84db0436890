package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/internal/testdata"
)

func TestLabels(t *testing.T) {
	for _, c := range []struct {
		name, text, image string
		class             int
	}{
		{"header", "file,label\ncat.jpg,3\n", "photos/cat.jpg", 3},
		{"columns in between", "file,wnid,index,name\ncat.jpg,n02123045,281,tabby\n", "cat.jpg", 281},
		{"no header", "cat.jpg,3\ndog.jpg,5", "dog.jpg", 5},
		{"no header, a word before the class", "cat.jpg,tabby,281", "/home/me/cat.jpg", 281},
		{"order of the header", "label, file\n7, cat.jpg", "cat.jpg", 7},
		{"folders tell equal names apart", "a/1.png,1\nb/1.png,2", "set/b/1.png", 2},
		{"Windows", "\ufefffile,label\r\na\\1.png,4\r\n", `C:\set\a\1.png`, 4},
		{"quoted, and twice the same", "\"one, two.jpg\",1\n\"one, two.jpg\",1", "one, two.jpg", 1},
	} {
		l, err := ParseLabels("labels.csv", []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, err := l.Class(c.image, 1000); err != nil || got != c.class {
			t.Errorf("%s: class %d, %v; want %d", c.name, got, err, c.class)
		}
	}
}

func TestBadLabels(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", `"l.csv" holds no labels`},
		{"header only", "file,label\n", `"l.csv" holds no labels`},
		{"no class", "cat.jpg\n", `"l.csv", line 1: no column holds a class`},
		{"word", "file,label\ncat.jpg,three\n", `"l.csv", line 2: the class of "cat.jpg" is "three", which is not an index`},
		{"negative", "cat.jpg,1\ndog.jpg,-1\n", `"l.csv", line 2: the class of "dog.jpg" is "-1"`},
		{"short row", "file,label\ncat.jpg\n", `"l.csv", line 2: 1 columns where 2 are needed`},
		{"no name", "file,label\n,3\n", `"l.csv", line 2: no image is named`},
		{"two classes", "a,1\nb,2\na,3\n", `"l.csv", line 3: "a" is of class 3 here and of 1 in line 1`},
		{"quote", "a,1\n\"b,2\n", `"l.csv", line `},
	} {
		if _, err := ParseLabels("l.csv", []byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	l, err := ParseLabels("l.csv", []byte("file,label\na.jpg,1\nb.jpg,9\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Class("c.jpg", 10); err == nil || !strings.Contains(err.Error(), `"l.csv" has no row for the image "c.jpg"`) {
		t.Error(err)
	}
	if _, err := l.Class("b.jpg", 9); err == nil || !strings.Contains(err.Error(), `"l.csv", line 3: "b.jpg" is of class 9, but the model gives 9 scores`) {
		t.Error(err)
	}
	if got, want := l.Strangers([]string{"x/a.jpg"}), []string{`"l.csv", line 3: no image is called "b.jpg"`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestLabelsOfTheData: every image of the labelled folders has its class.
func TestLabelsOfTheData(t *testing.T) {
	for folder, table := range map[string]string{"imagenet/eval": "imagenet/eval_labels.csv", "imagenet/calib": "imagenet/calib_labels.csv", "cifar10/test200": "cifar10/test200_labels.csv"} {
		l, err := ParseLabels(table, testdata.Read(t, table))
		if err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(testdata.Path(t, folder))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range files {
			names = append(names, filepath.Join(folder, f.Name()))
			if _, err := l.Class(f.Name(), 1000); err != nil {
				t.Error(err)
			}
		}
		if lost := l.Strangers(names); len(lost) > 0 {
			t.Errorf("%s: %q", table, lost)
		}
	}
}
