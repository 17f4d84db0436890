package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// config is what wasm/boot.js and the user interface read from the page.
type config struct {
	Single  bool              `json:"single"`
	Build   string            `json:"build"`
	Files   map[string]string `json:"files"` // addresses by name, for a server
	Sizes   map[string]int    `json:"sizes"` // bytes of the modules when unpacked
	Kernels []string          `json:"kernels"`
	Samples []sample          `json:"samples"`
	Credits string            `json:"credits"`
}

// newConfig fills in what both artefacts share.
func newConfig(p *parts, keep func(sample) bool) config {
	c := config{Files: map[string]string{}, Sizes: map[string]int{goName: len(p.wasm)}, Kernels: []string{}, Credits: credits}
	for _, k := range p.kernels {
		c.Kernels = append(c.Kernels, k.name)
		c.Sizes[k.name] = len(k.data)
	}
	all := sha256.New()
	for _, b := range append([]file{{goName, p.wasm}, {"", p.app}, {"", []byte(p.html)}, {"", p.worker}}, p.kernels...) {
		all.Write(b.data)
	}
	c.Build = hex.EncodeToString(all.Sum(nil))[:10]
	for _, s := range p.samples {
		if keep(s) {
			c.Samples = append(c.Samples, s)
		}
	}
	return c
}

// goName is how the page names the Go program.
const goName = "dropquant.wasm"

// site is dist/: its files by path, in the order in which they were added.
type site struct {
	files []file
	first []string // paths of what the first visit loads
}

func (s *site) add(path string, data []byte) { s.files = append(s.files, file{path, data}) }

// hashed puts the content's hash into a name, so that it may be kept for ever.
func hashed(name string, data []byte) string {
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:])[:10] + ext
}

// makeSite makes the files of dist/.
func makeSite(p *parts) (*site, error) {
	s := &site{}
	c := newConfig(p, func(one sample) bool { return one.site })
	put := func(name, dir string, data []byte) string {
		at := dir + hashed(path.Base(name), data)
		s.add(at, data)
		return at
	}
	app := put("app.js", "", p.app)
	c.Files[goName] = put(goName, "", p.wasm)
	s.first = []string{"index.html", app, c.Files[goName]}
	for _, k := range p.kernels {
		c.Files[k.name] = put(k.name, "", k.data)
		s.first = append(s.first, c.Files[k.name])
	}
	icon := put("icon.svg", "", p.icon)
	manifest, err := manifest(icon)
	if err != nil {
		return nil, err
	}
	s.add("manifest.webmanifest", manifest)
	s.first = append(s.first, icon, "manifest.webmanifest")
	for _, f := range p.shipped {
		if needs(c.Samples, f.name) {
			c.Files[f.name] = put(f.name, "samples/", f.data)
		}
	}
	html, err := fill(p.html, c,
		fmt.Sprintf(`<link rel="icon" href="%s" type="image/svg+xml"><link rel="manifest" href="manifest.webmanifest">`, icon),
		fmt.Sprintf(`<script id="app" src="%s" defer></script>`, app),
		func(style string) string {
			return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; style-src " + style +
				"; img-src 'self' blob: data:; manifest-src 'self'; base-uri 'none'; form-action 'none'"
		})
	if err != nil {
		return nil, err
	}
	s.add("index.html", html)
	worker, err := serviceWorker(p, c, append([]string{"./"}, s.first[1:]...))
	if err != nil {
		return nil, err
	}
	s.add("sw.js", worker)
	return s, nil
}

// makeSingle makes the page that is one file.
func makeSingle(p *parts) ([]byte, error) {
	c := newConfig(p, func(one sample) bool { return one.single })
	c.Single = true
	var tail bytes.Buffer
	for _, f := range append([]file{{goName, p.wasm}}, append(p.kernels, p.shipped...)...) {
		isSample := needs(p.samples, f.name)
		if isSample && !needs(c.Samples, f.name) {
			continue
		}
		data, attribute := f.data, ""
		if path.Ext(f.name) == ".onnx" {
			data, attribute = planes(data), " data-planes"
		}
		if path.Ext(f.name) != ".jpg" {
			var err error
			if data, err = zip(data); err != nil {
				return nil, err
			}
			attribute += " data-gzip"
		}
		fmt.Fprintf(&tail, "<script type=\"application/octet-stream\" id=\"file:%s\" data-bytes=\"%d\"%s>%s</script>\n", f.name, len(data), attribute, base85(data))
	}
	fmt.Fprintf(&tail, `<script id="app">%s</script>`, p.app)
	icon := base64.StdEncoding.EncodeToString(p.icon)
	return fill(p.html, c, fmt.Sprintf(`<link rel="icon" href="data:image/svg+xml;base64,%s">`, icon), tail.String(), func(style string) string {
		return "default-src 'none'; script-src " + source(string(p.app)) + " 'wasm-unsafe-eval'; worker-src blob:; connect-src 'none'; style-src " + style +
			"; img-src blob: data:; base-uri 'none'; form-action 'none'"
	})
}

var (
	policyTag = regexp.MustCompile(`(?s)<!-- The build replaces this policy.*?<meta http-equiv="Content-Security-Policy" content="[^"]*">`)
	styleTag  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
)

// fill puts policy, head, configuration and tail into the markup. The policy names the hash of the one style sheet.
func fill(html string, c config, head, tail string, policy func(style string) string) ([]byte, error) {
	style := styleTag.FindStringSubmatch(html)
	if style == nil || !policyTag.MatchString(html) || !strings.Contains(html, "<!-- build:head -->") || !strings.Contains(html, "<!-- build:tail -->") {
		return nil, fmt.Errorf("index.html has lost its style sheet, its policy or one of the build's marks")
	}
	text, err := json.Marshal(c) // which escapes < and >, so that it cannot end the script that holds it
	if err != nil {
		return nil, err
	}
	tag := fmt.Sprintf(`<meta http-equiv="Content-Security-Policy" content="%s">`, policy(source(style[1])))
	html = policyTag.ReplaceAllLiteralString(html, tag)
	html = strings.Replace(html, "<!-- build:head -->", head, 1)
	html = strings.Replace(html, "<!-- build:tail -->", fmt.Sprintf("<script type=\"application/json\" id=\"config\">%s</script>\n%s", text, tail), 1)
	return []byte(html), nil
}

// source is how a policy names a script or style by its content.
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// serviceWorker fills in the version and the files to keep.
func serviceWorker(p *parts, c config, files []string) ([]byte, error) {
	list, err := json.Marshal(files)
	if err != nil {
		return nil, err
	}
	text := strings.Replace(string(p.worker), "{{version}}", c.Build, 1)
	return []byte(strings.Replace(text, "/* {{files}} */ []", string(list), 1)), nil
}

func manifest(icon string) ([]byte, error) {
	return json.MarshalIndent(map[string]any{
		"name":             "Dropquant",
		"short_name":       "Dropquant",
		"description":      "Quantize an ONNX model to int8 in the browser",
		"start_url":        "./",
		"display":          "standalone",
		"background_color": "#fbfbf8",
		"theme_color":      "#00686a",
		"icons":            []any{map[string]string{"src": icon, "sizes": "any", "type": "image/svg+xml", "purpose": "any"}},
	}, "", "\t")
}

// planes puts every fourth byte together: in float32 weights the bytes of one place are alike, and pack eight percent smaller.
func planes(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for first := range 4 {
		for i := first; i < len(data); i += 4 {
			out = append(out, data[i])
		}
	}
	return out
}

// zip compresses as gzip, without a name or a time.
func zip(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
