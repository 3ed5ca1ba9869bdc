package cachexgin

import (
	"net/url"
	"reflect"
	"unsafe"

	"github.com/gin-gonic/gin"
)

// parsedQuery is the field in which gin.Context keeps the query once something,
// such as a KeyFunc, has asked for a parameter. Without a way around it the
// handler would see parameters that DropQuery has taken out of the key.
var parsedQuery, hasParsedQuery = func() (reflect.StructField, bool) {
	f, ok := reflect.TypeFor[gin.Context]().FieldByName("queryCache")
	return f, ok && f.Type == reflect.TypeFor[url.Values]()
}()

// queryOf returns the place of the parsed query, or nil where gin has changed.
func queryOf(c *gin.Context) *url.Values {
	if !hasParsedQuery {
		return nil
	}
	return (*url.Values)(unsafe.Add(unsafe.Pointer(c), parsedQuery.Offset))
}
