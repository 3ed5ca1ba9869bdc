package demo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// work is how long a report takes; a flag sets it.
var work = 2 * time.Second

// Hello is a page that shows when it was made.
func Hello() string { return "Hello, it is " + time.Now().Format(time.TimeOnly) + ".\n" }

// Report takes long to make. It gives up when ctx is done.
func Report(ctx context.Context) (string, error) {
	started := time.Now()
	select {
	case <-time.After(work):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return fmt.Sprintf("A report of %s that took %v to make.\n", started.Format(time.TimeOnly), work), nil
}

// Page is what one user gets.
func Page(user string) string {
	return fmt.Sprintf("Hello, %s. Your page was made at %s.\n", user, time.Now().Format(time.TimeOnly))
}

// Standing is what several pages show in part.
func Standing(team string) string {
	return fmt.Sprintf("%s is first of the league, as of %s.\n", team, time.Now().Format(time.TimeOnly))
}

// Items is a list that requests read and change.
type Items struct {
	mu    sync.Mutex
	names []string
}

// Names returns the list.
func (i *Items) Names() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{}, i.names...) // [] in JSON, not null
}

// Add appends a name, unless it is empty or there already.
func (i *Items) Add(name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if name != "" && !slices.Contains(i.names, name) {
		i.names = append(i.names, name)
	}
}
