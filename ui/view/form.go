package view

// Input is a field of a form: a number, or a choice if it has any.
type Input struct {
	ID, Label string
	Choices   []Choice
}

// Form writes fields with their labels.
func Form(list []Input) string {
	var p page
	for _, in := range list {
		p.put(`<label><span>%s</span>`, in.Label)
		if in.Choices == nil {
			p.put(`<input type="number" id="%s" step="any" inputmode="decimal">`, in.ID)
		} else {
			p.put(`<select id="%s">%s</select>`, in.ID, raw(Options(in.Choices, "")))
		}
		p.put(`</label>`)
	}
	return p.String()
}
