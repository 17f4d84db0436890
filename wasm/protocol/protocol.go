// Package protocol is what the page and its workers say to each other. It knows no JavaScript: a message is JSON, and the
// byte arrays or files that belong to it travel beside it, in the order that the message's doc comment gives.
//
//	page   → worker  Request   load → [preview…] → observe… → probe… → try → write → compare… → report → [export…], then lint, test… → score
//	worker → page    Reply     ready, then progress… and one of done or failed for each request; dead at any time
//
// A worker answers requests in the order in which they came. Cancelling is ending the worker. What a step of a run has found, when all
// its images are done, is asked for by state.
package protocol

import "encoding/json"

// Kinds of request.
const (
	Rehearse = "rehearse" // does a small job on nothing, so that the browser compiles well what the next ones need
	Load     = "load"     // files: the model, then the files that Siblings names. Done carries Info, if there are Options
	Hash     = "hash"     // Done carries Hash, of the model that was loaded
	Describe = "describe" // Done carries Info for other options
	Preview  = "preview"  // files: one image. Done carries View and one array, the RGBA pixels
	Observe  = "observe"  // files: one per entry of Images. Starts a job, unless More
	Probe    = "probe"    // files: States states, then one per entry of Images. Merges, rounds the weights of Place among Of, and probes those images that the job asks for
	Try      = "try"      // files: as for probe. Merges, and tries candidates on those that the job asks for
	State    = "state"    // Done carries one array, what the test found, or the job when no test was begun after it
	Write    = "write"    // files: States states, then none. Merges and quantizes. Done carries Report, as far as it is known, and the pieces of the model file
	Compare  = "compare"  // files: States states, then one per entry of Images. Merges, quantizes if that is still to do, compares
	Report   = "report"   // files: States states of the comparison. Done carries Report
	Export   = "export"   // after write; Name is the format. Done carries Parts and the pieces of the files
	Lint     = "lint"     // files: the model that Tested names with those that Siblings names. Done carries Lints
	Trace    = "trace"    // files: the model that Tested names with those that Siblings names, then one image. Done carries Trace
	Test     = "test"     // files: the model that Tested names with those that Siblings names, the labels that Labels names, then one per entry of Images
	Score    = "score"    // files: the states of other workers' tests. Done carries Scores
)

// Kinds of reply.
const (
	Ready    = "ready"    // the engine runs and listens
	Layer    = "layer"    // Text names the layer that is being computed, a few times a second
	Progress = "progress" // Index of one image is done, or was skipped: now and then; that all of a request are is said by done
	Done     = "done"
	Failed   = "failed" // Error says why; the worker lives on
	Dead     = "dead"   // the worker has ended; Text holds its last lines
)

// Image names one image of the job: its place in the order that makes results reproducible, and its name.
type Image struct {
	Index int    `json:"index"`
	Name  string `json:"name"`
}

// Request is a message to a worker.
type Request struct {
	ID       int             `json:"id"`
	Kind     string          `json:"kind"`
	Name     string          `json:"name,omitempty"`     // load: the model's file name; preview, trace: the image's; export: the format's
	Siblings []string        `json:"siblings,omitempty"` // load, lint, trace, test: names of the other files
	Options  json.RawMessage `json:"options,omitempty"`  // the engine's options; report and score need none
	Shape    []int           `json:"shape,omitempty"`    // preview: the shape of the model's input
	Images   []Image         `json:"images,omitempty"`
	States   int             `json:"states,omitempty"`  // how many of the files are states
	Place    int             `json:"place,omitempty"`   // probe, try: of the worker among all
	Of       int             `json:"of,omitempty"`      // probe, try: how many there are
	Tested   string          `json:"tested,omitempty"`  // lint, trace, test: name of a model to compare with the loaded one, or "" to take the loaded one
	Element  json.RawMessage `json:"element,omitempty"` // trace: which number
	Hash     string          `json:"hash,omitempty"`    // write: of the model, if it is known
	More     bool            `json:"more,omitempty"`    // observe, probe, compare, test: go on with what the request before has begun; the files are images only
	Labels   string          `json:"labels,omitempty"`  // test: name of the labels' file, or "" when there are none
}

// Reply is a message from a worker.
type Reply struct {
	ID     int             `json:"id"`
	Kind   string          `json:"kind"`
	Index  int             `json:"index,omitempty"`
	Error  string          `json:"error,omitempty"` // a sentence
	Info   json.RawMessage `json:"info,omitempty"`
	View   *View           `json:"view,omitempty"`
	Report json.RawMessage `json:"report,omitempty"`
	Scores json.RawMessage `json:"scores,omitempty"`
	Lints  json.RawMessage `json:"lints,omitempty"` // a report for each target
	Trace  json.RawMessage `json:"trace,omitempty"`
	Hash   string          `json:"hash,omitempty"`
	Parts  []int           `json:"parts,omitempty"` // how many of the arrays each file consists of
	Text   string          `json:"text,omitempty"`
}

// View describes what the network sees of an image: its size, and the statistics of each channel of the input tensor.
type View struct {
	Width    int       `json:"width"`
	Height   int       `json:"height"`
	Channels []Channel `json:"channels"`
}

// Channel is the statistics of one channel of the input tensor.
type Channel struct {
	Name string  `json:"name"` // "R", "G", "B" in the tensor's order
	Min  float32 `json:"min"`
	Mean float32 `json:"mean"`
	Max  float32 `json:"max"`
}
