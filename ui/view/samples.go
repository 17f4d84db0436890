package view

// Sample is a model with images that comes with the page.
type Sample struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Note  string   `json:"note"`
	Model string   `json:"model"`
	Files []string `json:"files"`
	Size  int64    `json:"size"` // bytes of all
}

// Samples writes the buttons of the samples.
func Samples(list []Sample) string {
	var p page
	for _, s := range list {
		p.put(`<button type="button" class="sample" data-sample="%s"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 6a3 3 0 0 1 3-3h5v8H3zM13 3h5a3 3 0 0 1 3 3v5h-8zM3 13h8v8H6a3 3 0 0 1-3-3zM13 13h2.7v2.7H13zM18.3 13H21v2.7h-2.7zM15.6 15.6h2.7v2.7h-2.7zM13 18.3h2.7V21H13zM18.3 18.3H21V21h-2.7z"/></svg><b>%s</b><span>%s · %s</span></button>`, s.ID, s.Title, s.Note, Size(s.Size))
	}
	return p.String()
}
