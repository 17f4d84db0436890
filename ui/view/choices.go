package view

// Choice is an entry of a list of radio buttons or of a menu.
type Choice struct {
	Value, Title, Note string
}

// Radios writes a list of choices as cards with radio buttons.
func Radios(name string, list []Choice, selected string) string {
	var p page
	for _, c := range list {
		p.put(`<label class="choice"><input type="radio" name="%s" value="%s"%s><b>%s</b><span class="small soft">%s</span></label>`, name, c.Value, raw(mark(c.Value == selected, " checked")), c.Title, c.Note)
	}
	return p.String()
}

// Options writes the entries of a select.
func Options(list []Choice, selected string) string {
	var p page
	for _, c := range list {
		p.put(`<option value="%s"%s>%s</option>`, c.Value, raw(mark(c.Value == selected, " selected")), c.Title)
	}
	return p.String()
}

func mark(on bool, attribute string) string {
	if on {
		return attribute
	}
	return ""
}
