package engine

import "fmt"

// FileError says that one file given by the user cannot be used: which, why, and what to do.
type FileError struct {
	File string // as the user named it
	Err  error
}

// Error returns the sentence: the file's name in quotes, then the reason.
func (e *FileError) Error() string { return fmt.Sprintf("%q: %v", e.File, e.Err) }

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }
