package view

// Error is a card about something that went wrong: what, and what to do.
type Error struct {
	Title  string
	Text   string // sentences
	Detail string // what to send with a report of a fault; "" shows none
	Action string // label of the button that tries again; "" shows none
}

// ErrorCard writes the card.
func ErrorCard(e Error) string {
	var p page
	p.put(`<div class="error"><h3>%s</h3><p>%s</p>`, e.Title, e.Text)
	if e.Detail != "" {
		p.put(`<details><summary>Details for a report</summary><pre>%s</pre></details>`, e.Detail)
	}
	p.put(`<div class="row">`)
	if e.Action != "" {
		p.put(`<button type="button" data-error="retry">%s</button>`, e.Action)
	}
	p.put(`<button type="button" data-error="dismiss">Dismiss</button></div></div>`)
	return p.String()
}
