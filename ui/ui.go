// Package ui is the behaviour of the page. index.html holds the markup, package view writes what depends on data, package web
// is the browser; here is what happens when: files come in, a run starts, workers answer or die.
//
// All of it runs on the page's one thread. Callbacks return at once; what takes time runs in a goroutine that waits for workers,
// so there are no locks, but what a goroutine saw before it waited may have changed afterwards: it compares the run or the
// model that it works for with the current one.
package ui
