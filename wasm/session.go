package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"dropquant/engine"
	"dropquant/wasm/protocol"
)

// source reads one file or byte array that came with a request.
type source func() ([]byte, error)

// session is the engine's side of the conversation: one model, one job and one test at a time.
type session struct {
	model  *engine.Model
	job    *engine.Job
	tester *engine.Tester
	told   time.Time // when the page was told of an image, last
	send   func(reply protocol.Reply, arrays ...[]byte)
}

// handle answers one request. What goes wrong becomes a failed reply, and so does a panic: the worker may be
// asked again, and the page shows the sentence.
func (s *session) handle(req protocol.Request, files []source) {
	defer func() {
		if e := recover(); e != nil {
			s.send(protocol.Reply{ID: req.ID, Kind: protocol.Failed, Error: fmt.Sprintf("the engine has a fault: %v", e)})
		}
	}()
	answer, known := answers[req.Kind]
	if !known {
		panic("no answer to " + req.Kind)
	}
	reply, arrays, err := answer(s, req, files)
	if err != nil {
		s.send(protocol.Reply{ID: req.ID, Kind: protocol.Failed, Error: err.Error()})
		return
	}
	reply.ID, reply.Kind = req.ID, protocol.Done
	s.send(reply, arrays...)
}

// answers says what is done for each kind of request.
var answers = map[string]func(*session, protocol.Request, []source) (protocol.Reply, [][]byte, error){
	protocol.Rehearse: (*session).rehearse,
	protocol.Load:     (*session).load,
	protocol.Hash:     (*session).hash,
	protocol.Describe: (*session).describe,
	protocol.Preview:  (*session).preview,
	protocol.Observe:  (*session).observe,
	protocol.Probe:    (*session).probe,
	protocol.Try:      (*session).try,
	protocol.State:    (*session).state,
	protocol.Write:    (*session).write,
	protocol.Compare:  (*session).compare,
	protocol.Report:   (*session).report,
	protocol.Export:   (*session).export,
	protocol.Lint:     (*session).lint,
	protocol.Trace:    (*session).trace,
	protocol.Test:     (*session).test,
	protocol.Score:    (*session).score,
}

func (s *session) rehearse(protocol.Request, []source) (protocol.Reply, [][]byte, error) {
	return protocol.Reply{}, nil, engine.Rehearse()
}

func (s *session) load(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	s.model, s.job, s.tester = nil, nil, nil // so that their memory can be used again
	data, err := files[0]()
	if err != nil {
		return protocol.Reply{}, nil, &engine.FileError{File: req.Name, Err: err}
	}
	if s.model, err = engine.LoadAny(engine.File{Name: req.Name, Data: data}, siblings(req, files[1:])); err != nil {
		return protocol.Reply{}, nil, err
	}
	if req.Options == nil { // the page knows already what another worker said of it
		return protocol.Reply{}, nil, nil
	}
	return s.describe(req, nil)
}

func (s *session) hash(protocol.Request, []source) (protocol.Reply, [][]byte, error) {
	return protocol.Reply{Hash: s.model.Hash()}, nil, nil
}

func (s *session) describe(req protocol.Request, _ []source) (protocol.Reply, [][]byte, error) {
	info, err := modelInfo(s.model, req.Options)
	return protocol.Reply{Info: info}, nil, err
}

func (s *session) preview(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	data, err := files[0]()
	if err != nil {
		return protocol.Reply{}, nil, &engine.FileError{File: req.Name, Err: err}
	}
	view, rgba, err := networkView(req, data)
	return protocol.Reply{View: view}, [][]byte{rgba}, err
}

func (s *session) observe(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	if req.More && s.job == nil {
		return protocol.Reply{}, nil, errNoJob
	}
	if !req.More {
		if err := s.start(req); err != nil {
			return protocol.Reply{}, nil, err
		}
	}
	return protocol.Reply{}, nil, s.each(req, files, s.job.Skip, s.job.Observe)
}

// state answers with what was found.
func (s *session) state(protocol.Request, []source) (protocol.Reply, [][]byte, error) {
	switch {
	case s.tester != nil:
		return protocol.Reply{}, [][]byte{s.tester.State()}, nil
	case s.job != nil:
		return protocol.Reply{}, [][]byte{s.job.State()}, nil
	}
	return protocol.Reply{}, nil, errNoJob
}

// every is how often the page is told of the layer, and of an image: more often nobody can read, and each message takes the page's
// thread some of the time that workers could have.
const every = 250 * time.Millisecond

// How much garbage may collect before it is looked for, in percent of what is in use. While everybody waits for the file, which takes
// little memory, that should cost no time. Behind it many programs are in memory, and without care the peak would be twice what
// they take once there are images enough.
const roomy, tight = 100, 25

// start begins the job of a request.
func (s *session) start(req protocol.Request) (err error) {
	s.job, s.tester = nil, nil // so that their memory can be used again
	debug.SetGCPercent(roomy)
	if s.job, err = newJob(s.model, req.Options); err != nil {
		return err
	}
	var last time.Time
	var layers int
	s.job.OnLayer(func(name string) {
		const some = 8 // asking the browser for the time at every layer takes 1 % of a small model's
		if layers++; layers%some != 0 {
			return
		}
		if now := time.Now(); now.Sub(last) >= every {
			last = now
			s.send(protocol.Reply{Kind: protocol.Layer, Text: name})
		}
	})
	return nil
}

// join has the job learn what others found, and returns the files behind their states. A worker without a job took the place of
// one that died after an earlier step: it begins with what all of them had found by then.
func (s *session) join(req protocol.Request, files []source) ([]source, error) {
	if s.job == nil {
		if req.More {
			return nil, errNoJob
		}
		if err := s.start(req); err != nil {
			return nil, err
		}
	}
	return files[req.States:], merge(s.job, files[:req.States])
}

var errNoJob = errors.New("this engine has lost its job: quantize again")

func (s *session) probe(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	images, err := s.join(req, files)
	if err == nil && !req.More {
		err = s.job.RoundShare(req.Place, req.Of)
	}
	if err == nil {
		err = s.some(req, images, s.job.Probes(), s.job.Probe)
	}
	return protocol.Reply{}, nil, err
}

func (s *session) try(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	images, err := s.join(req, files)
	if err != nil {
		return protocol.Reply{}, nil, err
	}
	tried, err := s.job.Tried(req.Place, req.Of)
	if err == nil {
		err = s.some(req, images, tried, s.job.Collect)
	}
	if err == nil {
		err = s.job.Try(req.Place, req.Of)
	}
	return protocol.Reply{}, nil, err
}

// some does one step for those of the images of a request that the job asks for. One that cannot be read any more is left out.
func (s *session) some(req protocol.Request, files []source, wanted []int, step func(index int, image engine.File) error) error {
	var list []protocol.Image
	var sources []source
	for k, image := range req.Images {
		if slices.Contains(wanted, image.Index) {
			list, sources = append(list, image), append(sources, files[k])
		}
	}
	req.Images = list
	return s.each(req, sources, func(int, string, error) {}, step)
}

// write quantizes, and answers with the file and what is known of it before it is compared.
func (s *session) write(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	_, err := s.quantized(req, files)
	if err != nil {
		return protocol.Reply{}, nil, err
	}
	if req.Hash != "" {
		s.model.TakeHash(req.Hash)
	}
	pieces, err := s.job.Export()
	if err != nil {
		return protocol.Reply{}, nil, err
	}
	report, err := jobReport(s.job)
	return protocol.Reply{Report: report}, pieces, err
}

// quantized is join for a job that has its result, or makes it now.
func (s *session) quantized(req protocol.Request, files []source) ([]source, error) {
	images, err := s.join(req, files)
	if err == nil && !s.job.Quantized() {
		err = s.job.Quantize()
	}
	return images, err
}

func (s *session) compare(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	debug.SetGCPercent(tight)
	images, err := s.quantized(req, files)
	if err == nil {
		err = s.each(req, images, s.job.Skip, s.job.Compare)
	}
	return protocol.Reply{}, nil, err
}

func (s *session) report(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	if s.job == nil {
		return protocol.Reply{}, nil, errNoJob
	}
	if err := merge(s.job, files[:req.States]); err != nil {
		return protocol.Reply{}, nil, err
	}
	report, err := jobReport(s.job)
	return protocol.Reply{Report: report}, nil, err
}

// export writes the result of the last job in another format.
func (s *session) export(req protocol.Request, _ []source) (protocol.Reply, [][]byte, error) {
	if s.job == nil {
		return protocol.Reply{}, nil, errors.New("this engine no longer holds the result: quantize again")
	}
	files, err := jobFiles(s.job, req.Name)
	var reply protocol.Reply
	var pieces [][]byte
	for _, f := range files {
		reply.Parts = append(reply.Parts, len(f))
		pieces = append(pieces, f...)
	}
	return reply, pieces, err
}

func (s *session) lint(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	lints, err := lintAll(req, files)
	return protocol.Reply{Lints: lints}, nil, err
}

func (s *session) trace(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	trace, err := traceNumber(s.model, req, files)
	return protocol.Reply{Trace: trace}, nil, err
}

// merge has a job or a test learn what others found.
func merge(w interface{ Merge(state []byte) error }, states []source) error {
	for _, read := range states {
		state, err := read()
		if err != nil {
			return err
		}
		if err := w.Merge(state); err != nil {
			return err
		}
	}
	return nil
}

// each does one step for the images of a request and tells the page now and then how far it is. An image that cannot be read or
// decoded is listed in the report; it does not end the job.
func (s *session) each(req protocol.Request, files []source, skip func(index int, name string, why error), step func(index int, image engine.File) error) error {
	for i, image := range req.Images {
		data, err := files[i]()
		if err != nil {
			skip(image.Index, image.Name, err)
		} else if err := step(image.Index, engine.File{Name: image.Name, Data: data}); err != nil {
			return err
		}
		if now := time.Now(); i+1 < len(req.Images) && now.Sub(s.told) >= every {
			s.told = now
			s.send(protocol.Reply{ID: req.ID, Kind: protocol.Progress, Index: image.Index})
		}
	}
	return nil
}

// test runs a model in every arithmetic that is known, on a share of the images.
func (s *session) test(req protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	if !req.More {
		debug.SetGCPercent(tight)
		s.tester = nil
		if s.job != nil { // it has been compared, or will not be
			s.job.Rest()
		}
		o, images, err := testOptions(s.model, req, files)
		if err != nil {
			return protocol.Reply{}, nil, err
		}
		if s.tester, err = engine.NewTester(o); err != nil {
			return protocol.Reply{}, nil, err
		}
		files = images
	}
	if s.tester == nil {
		return protocol.Reply{}, nil, errNoTest
	}
	return protocol.Reply{}, nil, s.each(req, files, s.tester.Skip, s.tester.Test)
}

var errNoTest = errors.New("this engine has tested nothing: test again")

func (s *session) score(_ protocol.Request, files []source) (protocol.Reply, [][]byte, error) {
	if s.tester == nil {
		return protocol.Reply{}, nil, errNoTest
	}
	if err := merge(s.tester, files); err != nil {
		return protocol.Reply{}, nil, err
	}
	scores, err := testScores(s.tester)
	return protocol.Reply{Scores: scores}, nil, err
}
