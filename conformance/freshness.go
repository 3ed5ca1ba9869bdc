package conformance

import (
	"net/http"
	"strings"
	"time"

	cachex "github.com/go-cachex/cachex/core"
)

// freshness: how long a stored response may be used (RFC 9111, section 4.2).
func freshness() []Case {
	cases := []Case{
		{
			Name: "boundary", Rule: "C1, RFC 9111, section 4.2: fresh if the lifetime is greater than the age; equal is stale",
			Handler: says("Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(59 * time.Second)
				e.get("/").hit().has("Age", "59").says("Cachex; hit; ttl=1")
				e.advance(time.Second)
				e.get("/").ran().by(2).says("Cachex; fwd=stale; stored; ttl=60")
			},
		},
		{
			Name: "TTL boundary", Rule: "C1, ruling on TTL: the route's lifetime ends as any other",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(59 * time.Second)
				e.get("/").hit()
				e.advance(time.Second)
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "Age", Rule: "C22, G1, RFC 9111, sections 4 and 5.1: a reused response carries one Age, in whole seconds rounded down",
			Handler: says("Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran().lacks("Age")
				e.get("/").hit().lines("Age", "0")
				e.advance(2900 * time.Millisecond)
				e.get("/").hit().lines("Age", "2")
			},
		},
		{
			Name: "stored Date", Rule: "G1, RFC 9110, section 6.6.1: Date stays what it was when the response was made", Needs: []string{StoredDate},
			Handler: says("Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(30 * time.Second)
				e.get("/").hit().lines("Date", at(0))
			},
		},
		{
			Name: "Date of the handler", Rule: "G1, RFC 9110, section 6.6.1: the Date of the handler is kept, and counts for the age", Needs: []string{StoredDate},
			Handler: func(e *env) handler { return say("Cache-Control: max-age=60", "Date: "+at(-20*time.Second)) },
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(10 * time.Second)
				e.get("/").hit().lines("Date", at(-20*time.Second)).has("Age", "30")
				e.advance(30 * time.Second)
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "TTL stays inside", Rule: "ruling on what leaves: where a TTL governs, the answer has no Age, no Cache-Control and a Date of now",
			Options: options(minute),
			Test: func(e *env) {
				e.get("/").ran().lacks("Age", "Cache-Control", "Expires")
				e.advance(30 * time.Second)
				r := e.get("/").hit().lacks("Age", "Cache-Control", "Expires")
				if len(r.header["Date"]) != 1 {
					r.fail("Date is %q, want one", r.header["Date"])
				}
				// Servers need not look at the clock for every answer.
				made, err := http.ParseTime(r.header.Get("Date"))
				if err != nil || made.Before(e.began.Add(-5*time.Second)) {
					r.fail("Date is %q, want the present", r.header.Get("Date"))
				}
			},
		},
		{
			Name: "TTL beside max-age", Rule: "ruling on what leaves: under Override the client's max-age starts when it gets the answer",
			Options: options(cachex.TTL(time.Hour), cachex.Override()), Handler: says("Cache-Control: max-age=10"),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "max-age=10")
				e.advance(30 * time.Minute)
				e.get("/").hit().has("Cache-Control", "max-age=10").lacks("Age")
			},
		},
		{
			Name: "age from upstream", Rule: "C19, N2, RFC 9111, section 4.2.3: the Age of an arriving response counts",
			Handler: says("Cache-Control: max-age=60", "Age: 50"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(9 * time.Second)
				e.get("/").hit().lines("Age", "59")
				e.advance(time.Second)
				e.get("/").ran()
			},
		},
		{
			Name: "arrives stale", Rule: "C26, RFC 9111, section 4.2: a response that arrives stale is not used for others",
			Handler: says("Cache-Control: max-age=60", "Age: 60"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").ran()
			},
		},
		{
			Name: "first Age", Rule: "C18, RFC 9111, section 5.1: of several members of Age the first counts",
			Handler: says("Cache-Control: max-age=60", "Age: 7, 0"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit().lines("Age", "7")
			},
		},
		{
			Name: "invalid Age", Rule: "C18, RFC 9111, section 5.1: an Age that is no number is ignored",
			Handler: says("Cache-Control: max-age=60", "Age: 7.5"),
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit().lines("Age", "0")
			},
		},
		{
			Name: "slow handler", Rule: "C19, RFC 9111, section 4.2.3: an Age of the origin counts from when the request was made",
			Handler: func(e *env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					e.advance(5 * time.Second)
					say("Cache-Control: max-age=60")(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran()
				e.get("/").hit().lines("Age", "5")
			},
		},
		{
			Name: "SetTTL zero", Rule: "SetTTL with 0 or less is DoNotStore",
			Options: options(minute),
			Handler: func(*env) handler {
				return func(w http.ResponseWriter, r *http.Request) {
					cachex.SetTTL(r.Context(), 0)
					say()(w, r)
				}
			},
			Test: func(e *env) {
				e.get("/").ran().says("Cachex; fwd=uri-miss; detail=do-not-store")
				e.get("/").ran()
			},
		},
		{
			Name: "MaxLifetime", Rule: "C27: storage is capped by the configuration, and the value is left alone",
			Config:  func(c *cachex.Config) { c.MaxLifetime = 10 * time.Second },
			Handler: says("Cache-Control: max-age=3600"),
			Test: func(e *env) {
				e.get("/").ran().has("Cache-Control", "max-age=3600")
				e.advance(9 * time.Second)
				e.get("/").hit().has("Cache-Control", "max-age=3600")
				e.advance(time.Second)
				e.get("/").ran().by(2)
			},
		},
		{
			Name: "clock set back", Rule: "C20: a negative time in the cache counts as 0", Needs: []string{ClockBack},
			Handler: says("Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(-time.Hour)
				e.get("/").hit().lines("Age", "0")
			},
		},
		{
			Name: "serving does not freshen", Rule: "D18: an answer never gets fresher by being sent",
			Handler: says("Cache-Control: max-age=60"),
			Test: func(e *env) {
				e.get("/").ran()
				for range 5 {
					e.advance(11 * time.Second)
					e.get("/").hit()
				}
				e.advance(5 * time.Second)
				e.get("/").ran().by(2)
			},
		},
	}

	// How long a response is fresh, with a TTL of a minute on the route; 0 is
	// not at all.
	for _, c := range []struct {
		name, rule string
		seconds    int
		fields     []string
	}{
		{"TTL", "TTL is for responses that name no lifetime", 60, nil},
		{"max-age over TTL", "C2, precedence: the handler's own field before the route", 10, []string{"Cache-Control: max-age=10"}},
		{"s-maxage over max-age", "C2, RFC 9111, section 5.2.2.10: s-maxage before max-age and Expires", 20, []string{"Cache-Control: max-age=10, s-maxage=20", "Expires: " + at(5*time.Second)}},
		{"shorter s-maxage", "C2, RFC 9111, section 5.2.2.10: s-maxage before max-age, shorter or longer", 5, []string{"Cache-Control: max-age=10, s-maxage=5"}},
		{"max-age over Expires", "C2, RFC 9111, section 5.3: max-age before Expires, even a past one", 10, []string{"Cache-Control: max-age=10", "Expires: " + at(-time.Hour)}},
		{"max-age over invalid Expires", "C2, RFC 9111, section 5.3: max-age before Expires, even an invalid one", 10, []string{"Cache-Control: max-age=10", "Expires: 0"}},
		{"Expires", "C2, RFC 9111, section 4.2.1: Expires less Date", 40, []string{"Expires: " + at(40*time.Second)}},
		{"Expires in RFC 850 form", "C12, RFC 9110, section 5.6.7: all three forms of dates", 40, []string{"Expires: " + start.Add(40*time.Second).Format("Monday, 02-Jan-06 15:04:05 GMT")}},
		{"Expires in asctime form", "C12, RFC 9110, section 5.6.7: all three forms of dates", 40, []string{"Expires: " + start.Add(40*time.Second).Format(time.ANSIC)}},
		{"two lines", "C8, RFC 9110, section 5.2: all lines of Cache-Control count", 10, []string{"Cache-Control: public", "Cache-Control: max-age=10"}},
		{"case", "C8, RFC 9111, section 5.2: directive names are case-insensitive", 10, []string{"Cache-Control: MaX-aGe=10"}},
		{"quoted", "C7, RFC 9111, section 5.2: the quoted form is equal to the token", 10, []string{`Cache-Control: max-age="10"`}},
		{"leading zeros", "C4, RFC 9111, section 1.2.2: leading zeros are fine", 10, []string{"Cache-Control: max-age=0010"}},
		{"empty members", "C8, RFC 9110, section 5.6.1: empty members of a list are ignored", 10, []string{"Cache-Control: , ,max-age=10,,"}},
		{"unknown directive", "C8, RFC 9111, section 5.2.3: unknown directives are ignored", 10, []string{"Cache-Control: foo=5, max-age=10, bar"}},
		{"the same twice", "C10, RFC 9111, section 4.2.1: equal duplicates are one", 10, []string{"Cache-Control: max-age=10, max-age=10"}},
		{"max-age=0", "C1: a lifetime of 0 is never fresh", 0, []string{"Cache-Control: max-age=0"}},
		{"s-maxage=0", "C2: s-maxage=0 makes max-age void", 0, []string{"Cache-Control: max-age=60, s-maxage=0"}},
		{"differing duplicates", "C10, RFC 9111, section 4.2.1: differing duplicates are stale", 0, []string{"Cache-Control: max-age=10, max-age=20"}},
		{"negative", "C6, RFC 9111, section 4.2.1: an invalid lifetime is stale", 0, []string{"Cache-Control: max-age=-60"}},
		{"decimal", "C6, RFC 9111, section 4.2.1: an invalid lifetime is stale", 0, []string{"Cache-Control: max-age=60.5"}},
		{"unit", "C6, RFC 9111, section 4.2.1: an invalid lifetime is stale", 0, []string{"Cache-Control: max-age=60s"}},
		{"single quotes", "C6, RFC 9111, section 4.2.1: an invalid lifetime is stale", 0, []string{"Cache-Control: max-age='60'"}},
		{"without value", "C6, RFC 9111, section 4.2.1: an invalid lifetime is stale", 0, []string{"Cache-Control: max-age"}},
		{"empty value", "C6, RFC 9111, section 4.2.1: an invalid lifetime is stale", 0, []string{"Cache-Control: max-age="}},
		{"space around equals", "C9: an equals sign with space around it makes the lifetime invalid", 0, []string{"Cache-Control: max-age = 60"}},
		{"invalid s-maxage", "C3, C6: an invalid s-maxage is stale, max-age or not", 0, []string{"Cache-Control: max-age=60, s-maxage=x"}},
		{"Expires 0", "C14, RFC 9111, section 5.3: an invalid Expires is in the past", 0, []string{"Expires: 0"}},
		{"Expires empty", "C14, RFC 9111, section 5.3: an invalid Expires is in the past", 0, []string{"Expires:"}},
		{"Expires in another zone", "C13, C14: a zone other than GMT makes a date invalid", 0, []string{"Expires: " + strings.Replace(at(time.Minute), "GMT", "EST", 1)}},
		{"Expires with one-digit hour", "C14, RFC 9110, section 5.6.7: an hour has two digits", 0, []string{"Expires: Fri, 01 Mar 2030 2:01:00 GMT"}},
		{"two Expires", "C10, C14: two differing lines are invalid", 0, []string{"Expires: " + at(time.Minute), "Expires: " + at(time.Hour)}},
		{"past Expires", "C14: a date in the past", 0, []string{"Expires: " + at(-time.Second)}},
	} {
		cases = append(cases, Case{
			Name: c.name, Rule: c.rule, Options: options(minute), Handler: says(c.fields...),
			Test: func(e *env) {
				e.get("/").ran()
				if c.seconds > 0 {
					e.advance(time.Duration(c.seconds)*time.Second - time.Second)
					e.get("/").hit().says("Cachex; hit; ttl=1")
					e.advance(time.Second)
				}
				e.get("/").ran().by(2)
			},
		})
	}
	for _, huge := range []string{"2147483648", "9223372037", "9223372036854775807", "99999999999999999999999999"} {
		cases = append(cases, Case{
			Name: "huge " + huge, Rule: "C4, C5, RFC 9111, section 1.2.2: a number that is too large counts as the largest, never as an error or below 0",
			Handler: says("Cache-Control: max-age=" + huge),
			Test: func(e *env) {
				e.get("/").ran()
				e.advance(29 * 24 * time.Hour)
				e.get("/").hit()
			},
		})
	}
	return cases
}
