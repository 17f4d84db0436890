//go:build js

// Command wasm is the program of the page and of its workers, one binary in two roles: "ui" is the page's behaviour, "engine"
// is the quantizer in a worker. The page compiles it once and posts the module to each worker.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall/js"

	"dropquant/ui"
	"dropquant/ui/web"
	"dropquant/wasm/protocol"
)

func main() {
	roles := map[string]func(){"ui": ui.Run, "engine": serve}
	run := roles[os.Args[1]]
	run()
	select {} // the browser calls back
}

// serve answers the page's requests, one after the other, in the order in which they came.
func serve() {
	type request struct {
		protocol.Request
		files []source
	}
	queue := make(chan request, 64)
	web.OnPanic = func(text string) { // a worker whose state is in doubt is of no use: the page starts another
		fmt.Fprintln(os.Stderr, text)
		os.Exit(2)
	}
	web.Listen(func(m web.Message) {
		var req protocol.Request
		if err := json.Unmarshal([]byte(m.Text), &req); err != nil {
			panic("bug: a request is not JSON: " + err.Error())
		}
		queue <- request{req, sources(m.Files)}
	})
	send(protocol.Reply{Kind: protocol.Ready})
	s := &session{send: send}
	for req := range queue {
		s.handle(req.Request, req.files)
	}
}

func sources(files []js.Value) []source {
	out := make([]source, len(files))
	for i, f := range files {
		out[i] = func() ([]byte, error) {
			if f.InstanceOf(js.Global().Get("Blob")) {
				return web.Read(f)
			}
			return web.Bytes(f), nil
		}
	}
	return out
}

func send(reply protocol.Reply, arrays ...[]byte) {
	text, err := json.Marshal(reply)
	if err != nil {
		panic("bug: a reply is not JSON: " + err.Error())
	}
	m := web.Message{Text: string(text)}
	for _, a := range arrays {
		m.Files = append(m.Files, web.Array(a))
	}
	web.Reply(m)
}
