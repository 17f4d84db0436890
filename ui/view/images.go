package view

import (
	"strings"

	"dropquant/wasm/protocol"
)

// Images is what the images card shows.
type Images struct {
	Count   int      // images given
	Used    int      // images that will be used
	Ignored int      // files that are no images
	Failed  []string // folders and files that could not be read
	Names   []string // of the first used images, for their thumbnails
	URLs    []string

	Labels string // name of the table of labels that is used, or ""
	Note   string // what of a table does not fit
}

// Thumbs is how many thumbnails the card shows: one row or two, whatever the folder holds.
const Thumbs = 12

// ImagesCard writes the card of the images.
func ImagesCard(m Images) string {
	var p page
	p.put(`<div class="headline"><h3>%s</h3><span class="row"><button class="plain" type="button" data-pick="images">Replace</button><button class="plain" type="button" data-pick="folder">Choose a folder</button></span></div>`, Of(m.Count, "image"))
	p.put(`<p class="soft">%s</p>`, imagesSentence(m))
	if m.Labels != "" {
		p.put(`<p>Labels from <span class="mono">%s</span>: the result will say how often the first answer is right.</p>`, m.Labels)
	}
	if m.Note != "" {
		notes(&p, []string{m.Note})
	}
	p.put(`<ul class="thumbs">`)
	for i, url := range m.URLs {
		p.put(`<li><img src="%s" alt="%s" loading="lazy" decoding="async"></li>`, url, m.Names[i])
	}
	p.put(`</ul>`)
	return p.String()
}

func imagesSentence(m Images) string {
	var s []string
	if m.Used < m.Count {
		s = append(s, Count(m.Used)+" of them, evenly spaced over the folder, will be used.")
	} else {
		s = append(s, "All of them will be used.")
	}
	if m.Ignored > 0 {
		s = append(s, Of(m.Ignored, "file")+" of other kinds left aside.")
	}
	if len(m.Failed) > 0 {
		s = append(s, "Not readable: "+strings.Join(m.Failed, ", ")+".")
	}
	return strings.Join(s, " ")
}

// Stats writes the table of the network's input, channel by channel.
func Stats(v protocol.View) string {
	var p page
	p.put(`<table><caption>The numbers that the network reads</caption><thead><tr><th scope="col">Channel</th><th scope="col" class="r">Min</th><th scope="col" class="r">Mean</th><th scope="col" class="r">Max</th></tr></thead><tbody>`)
	for _, c := range v.Channels {
		p.put(`<tr><th scope="row">%s</th><td class="r">%s</td><td class="r">%s</td><td class="r">%s</td></tr>`, c.Name, Number(c.Min), Number(c.Mean), Number(c.Max))
	}
	p.put(`</tbody></table>`)
	return p.String()
}
