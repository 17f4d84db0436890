//go:build js

package ui

import (
	"encoding/json"
	"fmt"
	"strconv"
	"syscall/js"

	"dropquant/engine"
	"dropquant/engine/dataset"
	"dropquant/ui/view"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"

	"honnef.co/go/js/dom/v2"
)

// field is one number or choice of a preset that the form shows.
type field struct {
	id, label string
	group     string // of fields that stand in one row
	choices   []view.Choice
	get       func(p *dataset.Preset) string
	set       func(p *dataset.Preset, v string)
	only      dataset.Mode // shown for this mode only
}

func number(v string, to func(float64)) {
	if f, err := strconv.ParseFloat(v, 64); err == nil {
		to(f)
	}
}

func text(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }

// fields is the form, in its order.
var fields = func() []field {
	list := []field{
		{id: "mode", label: "Fit", choices: []view.Choice{
			{Value: string(dataset.Short), Title: "Resize, then crop the centre"}, {Value: string(dataset.Stretch), Title: "Stretch"},
			{Value: string(dataset.Letterbox), Title: "Letterbox"}, {Value: string(dataset.Center), Title: "Crop the centre only"},
		}, get: func(p *dataset.Preset) string { return string(p.Mode) }, set: func(p *dataset.Preset, v string) { p.Mode = dataset.Mode(v) }},
		{id: "short", label: "Short side before the crop", only: dataset.Short,
			get: func(p *dataset.Preset) string { return strconv.Itoa(max(p.Short, p.Crop)) },
			set: func(p *dataset.Preset, v string) { number(v, func(f float64) { p.Short = max(1, int(f)) }) }},
		{id: "crop", label: "Input side",
			get: func(p *dataset.Preset) string { return strconv.Itoa(p.Crop) },
			set: func(p *dataset.Preset, v string) { number(v, func(f float64) { p.Crop = max(1, int(f)) }) }},
		{id: "pad", label: "Grey around it", only: dataset.Letterbox,
			get: func(p *dataset.Preset) string { return strconv.Itoa(int(p.Pad)) },
			set: func(p *dataset.Preset, v string) {
				number(v, func(f float64) { p.Pad = uint8(max(0, min(255, f))) })
			}},
		{id: "order", label: "Channels", choices: []view.Choice{{Value: "RGB", Title: "RGB"}, {Value: "BGR", Title: "BGR"}},
			get: func(p *dataset.Preset) string { return p.Order }, set: func(p *dataset.Preset, v string) { p.Order = v }},
		{id: "scale", label: "Divide by", choices: []view.Choice{{Value: "255", Title: "255"}, {Value: "127.5", Title: "127.5"}, {Value: "1", Title: "1"}},
			get: func(p *dataset.Preset) string { return text(1 / p.Scale) },
			set: func(p *dataset.Preset, v string) { number(v, func(f float64) { p.Scale = 1 / f }) }},
	}
	for c := range 3 {
		list = append(list, field{id: fmt.Sprintf("mean%d", c), label: fmt.Sprintf("Mean %d", c+1), group: "Mean of each channel",
			get: func(p *dataset.Preset) string { return text(p.Mean[c]) },
			set: func(p *dataset.Preset, v string) { number(v, func(f float64) { p.Mean[c] = f }) }})
	}
	for c := range 3 {
		list = append(list, field{id: fmt.Sprintf("std%d", c), label: fmt.Sprintf("Deviation %d", c+1), group: "Standard deviation of each channel",
			get: func(p *dataset.Preset) string { return text(p.Std[c]) },
			set: func(p *dataset.Preset, v string) {
				number(v, func(f float64) {
					if f > 0 {
						p.Std[c] = f
					}
				})
			}})
	}
	return list
}()

// listenPrepare fills the menu of presets and the form, and follows both.
func (a *app) listenPrepare() {
	var list []view.Choice
	for _, p := range dataset.Presets {
		list = append(list, view.Choice{Value: p.Name, Title: p.Title})
	}
	a.html("preset", view.Options(list, ""))
	a.on("preset", "change", func(dom.Event) {
		p, _ := dataset.FindPreset(a.value("preset"))
		a.setPreset(p, "")
	})
	var inputs []view.Input
	for _, f := range fields {
		inputs = append(inputs, view.Input{ID: "preset-" + f.id, Label: f.label, Group: f.group, Choices: f.choices})
	}
	a.html("custom-fields", view.Form(inputs))
	for _, f := range fields {
		a.on("preset-"+f.id, "change", func(dom.Event) {
			p := a.options.Preset
			f.set(&p, a.value("preset-"+f.id))
			p.Name = "custom"
			a.setPreset(p, "")
		})
	}
	step := func(by int) func(dom.Event) {
		return func(dom.Event) {
			if n := len(a.images.used); n > 0 {
				a.shown = (a.shown + by + n) % n
				a.preview()
			}
		}
	}
	a.on("view-previous", "click", step(-1))
	a.on("view-next", "click", step(1))
}

// guessPreset takes the preset that the engine guesses for a model that has just been read.
func (a *app) guessPreset() {
	info := a.base().info
	p, ok := dataset.FindPreset(info.Preset)
	if !ok {
		p = dataset.Presets[0]
	}
	a.setPreset(p, info.Reason)
}

// setPreset shows a preset in the menu and the form, and what it makes of the image.
func (a *app) setPreset(p dataset.Preset, why string) {
	a.options.Preset = p
	a.setValue("preset", p.Name)
	if why != "" {
		why = "Guessed: " + view.Sentence(why)
	}
	a.text("preset-why", why)
	for _, f := range fields {
		a.setValue("preset-"+f.id, f.get(&p))
		a.raw("preset-"+f.id).Call("closest", "label").Set("hidden", f.only != "" && f.only != p.Mode)
	}
	a.preview()
}

// preview shows the current image as it is and as the network sees it. The engine does it, in a worker: the same code that will
// read the images of the run.
func (a *app) preview() {
	base := a.base()
	if base == nil || a.images == nil || len(a.images.used) == 0 {
		return
	}
	file := a.images.files[a.images.used[a.shown]]
	a.text("view-name", fmt.Sprintf("%s, %d of %d", file.Name(), a.shown+1, len(a.images.used)))
	if a.run != nil {
		return // its workers have the processors
	}
	a.hide("view", !base.info.Images)
	if !base.info.Images {
		return
	}
	a.previews++
	mine := a.previews // a newer one makes this one's answer stale
	req := protocol.Request{Kind: protocol.Preview, Name: file.Name(), Options: marshal(a.options), Shape: base.info.Input.Shape}
	web.Go(func() {
		photo, err := file.Open()
		if err == nil && mine == a.previews {
			a.showPhoto(file.Name(), photo)
			var reply answer
			if reply, err = a.pool.inspector().call(req, []js.Value{photo}, nil); err == nil && mine == a.previews {
				v := reply.View
				web.Draw(a.raw("view-canvas"), v.Width, v.Height, reply.arrays[0])
				a.raw("view-canvas").Get("classList").Call("toggle", "tiny", v.Width < 128)
				a.raw("view-canvas").Call("setAttribute", "aria-label", file.Name()+" as the network sees it")
				a.text("view-size", fmt.Sprintf("What the network sees, %d × %d", v.Width, v.Height))
				a.html("view-stats", view.Stats(*v))
			}
		}
		if err != nil && err != errEnded && mine == a.previews {
			web.Draw(a.raw("view-canvas"), 1, 1, web.Array(make([]byte, 4)))
			a.text("view-size", view.Sentence(err.Error()))
			a.html("view-stats", "")
		}
	})
}

func (a *app) showPhoto(name string, photo js.Value) {
	a.hide("view-photo", !dataset.IsImageName(name))
	if a.photo != nil {
		a.photo()
	}
	url, release := web.URL(photo)
	a.photo = release
	image := a.raw("view-photo")
	image.Set("src", url)
	image.Set("alt", name)
}

func marshal(o engine.Options) json.RawMessage {
	text, err := json.Marshal(o)
	if err != nil {
		panic("bug: the options are not JSON: " + err.Error())
	}
	return text
}
