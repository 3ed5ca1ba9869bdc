package field

import "strings"

// AcceptsCoding tells whether an Accept-Encoding allows content to be coded, in
// whatever way (RFC 9110, section 12.5.3). A field that is not there allows it too;
// but as no server codes content for that, the answer is no. A weight that cannot be
// read is one.
func AcceptsCoding(lines []string) bool {
	for m := range Members(lines) {
		coding, parameter, weighted := strings.Cut(m, ";")
		if strings.EqualFold(strings.TrimRight(coding, " \t"), "identity") {
			continue
		}
		weight, ok := parseWeight(strings.Trim(parameter, " \t"))
		if !weighted || !ok || weight > 0 {
			return true
		}
	}
	return false
}
