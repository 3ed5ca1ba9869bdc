// Package fleet proves the caches that share a store: every adapter in front of
// every store, and several caches with real servers that are killed, frozen, full
// and forgetful. It has tests alone, in a module that nobody imports, so that no
// user of an adapter gets a store's client into go.sum.
package fleet
