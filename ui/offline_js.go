//go:build js

package ui

import (
	"syscall/js"

	"dropquant/ui/web"
)

// registerOffline has the browser keep the page for use without a network, where it comes from a server. It never reloads the
// page by itself: a new version waits until the user asks for it.
func (a *app) registerOffline() {
	container := js.Global().Get("navigator").Get("serviceWorker")
	if a.config.Single || !web.Defined(container) {
		return
	}
	controlled := web.Defined(container.Get("controller"))
	web.Go(func() {
		registration, err := web.Await(container.Call("register", "sw.js"))
		if err != nil {
			return // a private window, or a host without https: the page works, but not offline
		}
		offer := func() {
			if waiting := registration.Get("waiting"); controlled && web.Defined(waiting) {
				a.toast("An update of Dropquant is available.", "Reload", func() {
					container.Call("addEventListener", "controllerchange", web.Guard(func([]js.Value) {
						js.Global().Get("location").Call("reload")
					}))
					waiting.Call("postMessage", "activate")
				})
			}
		}
		offer()
		registration.Call("addEventListener", "updatefound", web.Guard(func([]js.Value) {
			installing := registration.Get("installing")
			if !web.Defined(installing) {
				return
			}
			installing.Call("addEventListener", "statechange", web.Guard(func([]js.Value) {
				switch state := installing.Get("state").String(); {
				case state == "installed":
					offer()
				case state == "activated" && !controlled:
					controlled = true
					a.toast("Ready to work offline", "", nil)
				}
			}))
		}))
	})
}
