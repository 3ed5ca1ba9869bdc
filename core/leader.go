package cachex

// lead makes r the run of a flight.
func (r *run) lead(f *flight) {
	fs := r.p.cache.flights
	fs.mu.Lock()
	defer fs.mu.Unlock()
	r.flight, f.lead = f, r
}

// stepAside is called by a New further in, which answers in the place of r and
// has flights of its own.
func (r *run) stepAside() {
	r.claimed.Store(true)
	r.land(landedFree, nil)
}

// land ends the flight that r leads, if it does.
func (r *run) land(end landing, e *entry) {
	if r.flight != nil {
		r.p.cache.flights.land(r.flight, end, e, r.p.cache.now())
	}
}

// nobodyWaits is told when the last waiter has left.
func (r *run) nobodyWaits() {
	if r.gone.Load() && !r.detached.Load() {
		r.cancel()
	}
}

// takeLease returns the lease that the run holds in a shared store, once.
func (r *run) takeLease() (l *lease) {
	if r.flight != nil {
		l, r.flight.lease = r.flight.lease, nil
	}
	return l
}
