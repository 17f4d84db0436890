//go:build js

package ui

import (
	"errors"

	"dropquant/engine/target"
	"dropquant/ui/view"
	"dropquant/ui/web"

	"honnef.co/go/js/dom/v2"
)

// listenRun connects the buttons of the bar.
func (a *app) listenRun() {
	a.on("run", "click", func(dom.Event) { a.start() })
	a.on("cancel", "click", func(dom.Event) { a.cancel() })
	a.on("save", "click", func(dom.Event) { a.download() })
}

func (a *app) ready() bool {
	base := a.base()
	return base != nil && base.info.Blocked == "" && a.images != nil && len(a.images.used) > 0 && a.run == nil && a.reading == 0
}

// start begins a run, if all that it needs is there.
func (a *app) start() bool {
	if !a.ready() {
		return false
	}
	a.forget()
	work := a.quantize
	if a.tested != nil {
		work = a.test
	}
	r, finish := work()
	r.workers[0] = a.pool.take()
	a.pool.dismiss(len(r.workers) - 1)
	r.show = func(p *phase) {
		if a.run == r {
			a.showProgress(r, p)
		}
	}
	a.run = r
	a.clearError()
	a.update()
	a.showProgress(r, &r.phases[0])
	web.Go(func() {
		res, err := finish(r)
		if err != nil {
			r.end(errEnded)
		}
		if a.run != r {
			return // cancelled
		}
		a.run = nil
		a.title("")
		if err != nil {
			a.update()
			a.runError(err)
			return
		}
		a.showResult(res)
	})
	return true
}

// cancel ends the run at once: a worker is never asked to stop, it is ended. The inputs stay.
func (a *app) cancel() bool {
	r := a.run
	if r == nil {
		return false
	}
	a.run = nil
	r.end(errEnded)
	a.title("")
	a.update()
	a.announce("Cancelled. The model and the images are kept.")
	a.text("run-title", "Cancelled")
	a.text("run-text", "The model and the images are kept.")
	a.raw("run").Call("focus")
	return true
}

// forget drops the result, whose inputs have changed, and ends what still works on it.
func (a *app) forget() {
	if c := a.check; c != nil {
		a.check = nil
		c.end(errEnded)
	}
	if res := a.result; res != nil && res.worker != nil && res.worker != a.pool.spare {
		res.worker.end(errEnded)
	}
	a.result = nil
}

func (a *app) runError(err error) {
	card := view.Error{Title: "The run could not be finished", Text: view.Sentence(err.Error()), Action: "Try again"}
	var dead *deadError
	if errors.As(err, &dead) {
		card.Title = "The engine stopped twice"
		card.Text = "It may have run out of memory. Close other tabs, or use fewer workers under More options, and try again. The model and the images are kept."
		card.Detail = dead.text
	}
	a.showError(card, func() { a.start() })
}

// updateRun shows in the bar what can be done next.
func (a *app) updateRun() {
	base := a.base()
	begun := base != nil || a.images != nil
	running := a.run != nil
	a.hide("runbar", !begun)
	a.hide("progress", !running)
	a.hide("cancel", !running)
	a.hide("run", running)
	a.hide("save", a.result == nil || a.result.scored())
	a.raw("run").Set("disabled", !a.ready())
	a.el("body").Class().Remove("running")
	if running {
		a.el("body").Class().Add("running")
		return
	}
	label, class := "Quantize", "primary"
	if a.tested != nil {
		label = "Test"
	}
	if a.result != nil {
		label, class = label+" again", ""
	}
	a.text("run", label)
	a.el("run").SetAttribute("class", class)
	title, line := "", ""
	switch {
	case a.result != nil:
		title, line = "Done in "+view.Took(a.result.took), a.result.name
	case base == nil:
		title = "Now add the model"
	case base.info.Blocked != "":
		title = "This model cannot be quantized as it is"
	case a.images == nil:
		title = "Now add images"
	default:
		k := min(a.workers, len(a.images.used))
		title = view.Of(len(a.images.used), "image") + " for " + targetTitle(a.options.Target)
		if a.tested != nil {
			title = "Test on " + view.Of(len(a.images.used), "image")
		}
		line = view.Of(k, "worker")
		if m := base.info.Memory; m > 0 {
			line += ", about " + view.Size(m*int64(k)) + " of memory"
		}
	}
	a.text("run-title", title)
	a.text("run-text", line)
}

func targetTitle(name string) string {
	if t := target.ByName(name); t != nil {
		return t.Title
	}
	return name
}
