package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	repo "dropquant/build/root"
)

// first is what the first visit may load, compressed; whole is what the single-file page may weigh.
const (
	first = 2_500_000
	whole = 12_000_000
)

// built makes both artefacts once for all tests. It runs the Go compiler.
func built(t *testing.T) (*parts, *site, []byte) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the wasm program, which takes seconds")
	}
	root, err := repo.Find()
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := readSamples(root, p); err != nil {
		t.Fatal(err)
	}
	s, err := makeSite(p)
	if err != nil {
		t.Fatal(err)
	}
	single, err := makeSingle(p)
	if err != nil {
		t.Fatal(err)
	}
	return p, s, single
}

func TestBuild(t *testing.T) {
	p, s, single := built(t)

	t.Run("same bytes again", func(t *testing.T) {
		_, again, singleAgain := built(t)
		if !bytes.Equal(single, singleAgain) {
			t.Errorf("%s differs between two builds", singleName)
		}
		for i, f := range s.files {
			if g := again.files[i]; f.name != g.name || !bytes.Equal(f.data, g.data) {
				t.Errorf("%s differs between two builds", f.name)
			}
		}
	})

	t.Run("budget", func(t *testing.T) {
		total := 0
		for _, name := range s.first {
			packed, err := pack(s.find(name))
			if err != nil {
				t.Fatal(err)
			}
			total += len(packed)
		}
		if total > first {
			t.Errorf("the first visit loads %d bytes compressed, %d are allowed", total, first)
		}
		if len(single) > whole {
			t.Errorf("%s has %d bytes, %d are allowed", singleName, len(single), whole)
		}
	})

	t.Run("policy", func(t *testing.T) {
		for name, html := range map[string][]byte{"index.html": s.find("index.html"), singleName: single} {
			if strings.Count(string(html), "Content-Security-Policy") != 1 {
				t.Errorf("%s has not exactly one policy", name)
			}
			policy := policyOf(t, html)
			if strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") || strings.Contains(policy, "http") {
				t.Errorf("%s allows too much: %s", name, policy)
			}
			for _, tag := range regexp.MustCompile(`(?s)<style>(.*?)</style>|<script id="app">(.*?)</script>`).FindAllSubmatch(html, -1) {
				if text := string(tag[1]) + string(tag[2]); !strings.Contains(policy, source(text)) {
					t.Errorf("%s: the policy does not name %q", name, text[:min(40, len(text))])
				}
			}
			if regexp.MustCompile(`\s(style|on[a-z]+)="`).Match(html) {
				t.Errorf("%s has an inline style or handler, which the policy stops", name)
			}
		}
		if p := policyOf(t, single); !strings.Contains(p, "connect-src 'none'") {
			t.Errorf("the single-file page may connect: %s", p)
		}
	})

	t.Run("no other machine", func(t *testing.T) {
		named := regexp.MustCompile(`(?:src|href|action)="?(?:https?:)?//`)
		for _, html := range [][]byte{s.find("index.html"), single} {
			if m := named.Find(html); m != nil {
				t.Errorf("the page refers to another machine: %s", m)
			}
		}
	})

	t.Run("offline", func(t *testing.T) {
		list := regexp.MustCompile(`const files = (\[.*\]);`).FindSubmatch(s.find("sw.js"))
		if list == nil {
			t.Fatal("the service worker has no list of files")
		}
		var names []string
		if err := json.Unmarshal(list[1], &names); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if name != "./" && s.find(name) == nil {
				t.Errorf("the service worker wants %s, which is not in dist", name)
			}
		}
		if len(names) != len(s.first) {
			t.Errorf("the service worker keeps %d files, the first visit loads %d", len(names), len(s.first))
		}
	})

	t.Run("samples", func(t *testing.T) {
		var c config
		text := regexp.MustCompile(`(?s)id="config">(.*?)</script>`).FindSubmatch(s.find("index.html"))
		if err := json.Unmarshal(text[1], &c); err != nil {
			t.Fatal(err)
		}
		for _, one := range c.Samples {
			for _, name := range append([]string{one.Model, c.Credits}, one.Files...) {
				if s.find(c.Files[name]) == nil {
					t.Errorf("the sample %s wants %s, which is not in dist", one.ID, name)
				}
			}
		}
		for _, one := range p.samples {
			if one.single != bytes.Contains(single, []byte(`id="file:`+one.Model+`"`)) {
				t.Errorf("%s is in the single-file page, or is not, against the table", one.Model)
			}
		}
	})
}

func (s *site) find(name string) []byte {
	for _, f := range s.files {
		if f.name == name {
			return f.data
		}
	}
	return nil
}

func policyOf(t *testing.T, html []byte) string {
	t.Helper()
	m := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindSubmatch(html)
	if m == nil {
		t.Fatal("no policy")
	}
	return string(m[1])
}

func TestPlanes(t *testing.T) {
	for _, c := range []struct{ in, out string }{{"", ""}, {"a", "a"}, {"abcd", "abcd"}, {"abcdefgh", "aebfcgdh"}, {"abcdefghi", "aeibfcgdh"}} {
		if got := string(planes([]byte(c.in))); got != c.out {
			t.Errorf("planes(%q) = %q, want %q", c.in, got, c.out)
		}
	}
}

func TestHashed(t *testing.T) {
	a, b := hashed("app.js", []byte("a")), hashed("app.js", []byte("b"))
	if a == b || !regexp.MustCompile(`^app\.[0-9a-f]{10}\.js$`).MatchString(a) {
		t.Errorf("names with hashes: %s and %s", a, b)
	}
}

func TestFillRefusesWhatLostItsMarks(t *testing.T) {
	whole := `<!-- The build replaces this policy --><meta http-equiv="Content-Security-Policy" content="x"><!-- build:head --><style>a</style><!-- build:tail -->`
	policy := func(string) string { return "default-src 'none'" }
	if _, err := fill(whole, config{}, "", "", policy); err != nil {
		t.Fatalf("the whole page is refused: %v", err)
	}
	for _, part := range []string{"<style>", "<!-- build:head -->", "<!-- build:tail -->", "http-equiv"} {
		if _, err := fill(strings.Replace(whole, part, "", 1), config{}, "", "", policy); err == nil {
			t.Errorf("a page without %s is accepted", part)
		}
	}
}
