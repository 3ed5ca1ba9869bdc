package cachexecho

import (
	"net/url"
	"reflect"
	"unsafe"

	"github.com/labstack/echo/v4"

	"github.com/go-cachex/cachex/core/adapter"
)

// Read implements adapter.Exchange. The query is the one that handlers see:
// middleware may have changed its parameters, of which the URL knows nothing.
func (x *exchange) Read(h *adapter.Head) {
	x.HTTP.Read(h)
	if params := parsedOf(x.c); params != nil {
		h.Query = adapter.QueryOf(params, h)
	}
}

// own is the type of echo's own contexts, and parsedQuery the field in which they
// keep the parameters once somebody has asked for one. To ask for them only to see
// whether one was changed would parse the query of each request.
var (
	own                         = reflect.TypeOf(echo.New().NewContext(nil, nil))
	parsedQuery, hasParsedQuery = func() (reflect.StructField, bool) {
		f, ok := own.Elem().FieldByName("query")
		return f, ok && f.Type == reflect.TypeFor[url.Values]()
	}()
)

// parsedOf returns the parameters that a context keeps, nil for none.
func parsedOf(c echo.Context) url.Values {
	if !hasParsedQuery { // echo has changed
		return c.QueryParams()
	}
	for reflect.TypeOf(c) != own {
		if c = inside(c); c == nil {
			return nil
		}
	}
	return *(*url.Values)(unsafe.Add(reflect.ValueOf(c).UnsafePointer(), parsedQuery.Offset))
}

// inside is the context in one of the application's own, which embeds it.
func inside(c echo.Context) echo.Context {
	v := reflect.Indirect(reflect.ValueOf(c))
	if v.Kind() != reflect.Struct {
		return nil
	}
	f := v.FieldByName("Context")
	if !f.IsValid() || f.Type() != reflect.TypeFor[echo.Context]() || f.IsNil() {
		return nil
	}
	return f.Interface().(echo.Context)
}
