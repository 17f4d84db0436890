//go:build js

package ui

import (
	"syscall/js"

	"dropquant/ui/view"
	"dropquant/ui/web"

	"honnef.co/go/js/dom/v2"
)

// announce tells a screen reader what a sighted user sees change.
func (a *app) announce(text string) { a.text("announce", text) }

// title shows the state of a run in the tab.
func (a *app) title(prefix string) {
	t := "Dropquant"
	if prefix != "" {
		t = prefix + " – " + t
	}
	if doc, ok := a.doc.(dom.HTMLDocument); ok && doc.Title() != t {
		doc.SetTitle(t)
	}
}

// showError replaces the error card. retry is what its button does.
func (a *app) showError(e view.Error, retry func()) {
	a.retry = retry
	a.html("errors", view.ErrorCard(e))
	card := a.raw("errors").Get("firstElementChild")
	card.Set("tabIndex", -1)
	card.Call("scrollIntoView", map[string]any{"block": "center"})
}

func (a *app) clearError() {
	a.retry = nil
	a.html("errors", "")
}

func (a *app) listenErrors() {
	a.on("errors", "click", func(e dom.Event) {
		switch kind := e.Target().GetAttribute("data-error"); kind {
		case "retry", "dismiss":
			retry := a.retry
			a.clearError()
			if kind == "retry" && retry != nil {
				retry()
			} else {
				a.raw("main").Call("focus", map[string]any{"preventScroll": true})
			}
		}
	})
}

// toast shows a passing remark, with a button if label is not empty.
func (a *app) toast(text, label string, action func()) {
	t := a.doc.CreateElement("div")
	t.SetAttribute("class", "toast")
	line := a.doc.CreateElement("span")
	line.SetTextContent(text)
	t.AppendChild(line)
	if label == "" {
		label = "Dismiss"
	}
	b := a.doc.CreateElement("button")
	b.SetAttribute("type", "button")
	b.SetTextContent(label)
	listen(b, "click", func(dom.Event) {
		t.Remove()
		if action != nil {
			action()
		}
	})
	t.AppendChild(b)
	a.el("toasts").AppendChild(t)
	if action == nil {
		var gone js.Func
		gone = web.Guard(func([]js.Value) { t.Remove(); gone.Release() })
		js.Global().Call("setTimeout", gone, 8000)
	}
}

// listenKeys maps the keys that index.html lists. All have a modifier or are Escape, so that they do not collide with what
// screen readers and browsers do with letters.
func (a *app) listenKeys() {
	a.listenErrors()
	listen(a.doc, "keydown", func(e dom.Event) {
		k, ok := e.(*dom.KeyboardEvent)
		if !ok || k.AltKey() || k.ShiftKey() {
			return
		}
		name := k.Key()
		if k.CtrlKey() || k.MetaKey() {
			name = "Ctrl " + name
		}
		action := map[string]func() bool{
			"Ctrl o":     func() bool { a.raw("pick-model").Call("click"); return true },
			"Ctrl Enter": func() bool { return a.start() },
			"Ctrl s":     func() bool { return a.download() },
			"Escape":     func() bool { return a.cancel() },
		}[name]
		if action != nil && action() {
			k.PreventDefault()
		}
	})
}
