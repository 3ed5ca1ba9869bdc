package cachex

import "time"

// room is where the run of a flight lies: in the flight, if it is the first one.
func (fs *flights) room(f *flight) *run {
	if f == nil {
		return new(run)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.lead != nil { // a request in the background has come by the cache a second time
		return new(run)
	}
	return &f.run
}

// lead makes r the run of a flight.
func (r *run) lead(f *flight) {
	fs := r.p.cache.flights
	fs.mu.Lock()
	defer fs.mu.Unlock()
	r.flight, f.lead = f, r
}

// Sending implements adapter.Sink.
func (r *run) Sending(begins bool) {
	switch {
	case r.flight == nil:
	case begins:
		r.sending.Store(int64(time.Since(r.flight.began)) + 1)
	default:
		r.sending.Store(0)
	}
}

// Taken implements adapter.Sink.
func (r *run) Taken() {
	r.phase.CompareAndSwap(waiting, begun)
	r.land(landedFree, nil)
}

// stepAside is called by a New further in, which answers in the place of r and
// has flights of its own.
func (r *run) stepAside() {
	r.claimed.Store(true)
	r.phase.CompareAndSwap(waiting, begun) // the one further in has the same HardTimeout
	r.land(landedFree, nil)
}

// land ends the flight that r leads, if it does.
func (r *run) land(end landing, e *entry) {
	if r.flight == nil {
		return
	}
	var now moment
	if end == landedFree { // from which on there is to be no other
		now = r.p.cache.now()
	}
	r.p.cache.flights.land(r.flight, end, e, now)
}

// landStored ends the flight with what was stored, unless nobody may use that
// before the handler has confirmed it: to wait for it would be to wait in line.
func (r *run) landStored(e *entry) {
	end := landedStored
	if decide(e, true, &demands{}, r.p.proxy, e.received).action != actServe {
		end = landedFree
	}
	r.land(end, e)
}

// nobodyWaits is told when the last waiter has left.
func (r *run) nobodyWaits() {
	if !r.ctx.over.Load() && r.ctx.client.Err() != nil && r.forNobody() {
		r.ctx.cancel(nil)
	}
}

// takeLease returns the lease that the run holds in a shared store, once.
func (r *run) takeLease() (l *lease) {
	if r.flight != nil {
		l, r.flight.lease = r.flight.lease, nil
	}
	return l
}

// forNobody tells, once the client has left, whether the response is of no use:
// it is neither being stored nor waited for.
func (r *run) forNobody() bool {
	return !r.detached.Load() && (r.flight == nil || r.p.cache.flights.desert(r.flight))
}
