package view

// Input is a field of a form: a number, or a choice if it has any.
type Input struct {
	ID, Label string
	Group     string // fields in a row with the same one stand together under it, as one row; "" is none
	Choices   []Choice
}

// Form writes fields with their labels.
func Form(list []Input) string {
	var p page
	group := ""
	for i, in := range list {
		if in.Group != group && in.Group != "" {
			p.put(`<fieldset class="group"><legend>%s</legend>`, in.Group)
		}
		group = in.Group
		p.put(`<label><span%s>%s</span>`, raw(mark(group != "", ` class="sr"`)), in.Label)
		if in.Choices == nil {
			p.put(`<input type="number" id="%s" step="any" inputmode="decimal">`, in.ID)
		} else {
			p.put(`<select id="%s">%s</select>`, in.ID, raw(Options(in.Choices, "")))
		}
		p.put(`</label>`)
		if group != "" && (i+1 == len(list) || list[i+1].Group != group) {
			p.put(`</fieldset>`)
		}
	}
	return p.String()
}
